// The sheet behind `?`: every key of this page, read from the controls' own `data-key`.
(() => {
  const moveWords = {
    j: "Next row",
    k: "Previous row",
    h: "Previous column",
    l: "Next column",
    n: "Next step",
    "Shift+n": "Previous step",
    y: "Copy the address",
  };

  document.addEventListener("gaffer:keys", () => {
    const dialog = document.createElement("dialog");
    dialog.className = "key-sheet";
    dialog.setAttribute("aria-label", "Keys on this page");
    const list = document.createElement("dl");
    const add = (keys, words) => {
      const [term, value] = [document.createElement("dt"), document.createElement("dd")];
      term.append(
        Object.assign(document.createElement("kbd"), {
          textContent: keys.replace("Shift+", "Shift "),
        }),
      );
      value.textContent = words;
      list.append(term, value);
    };
    for (const control of document.querySelectorAll("[data-key]")) {
      if (control.checkVisibility?.() === false || /^\d$/.test(control.dataset.key)) continue;
      add(
        control.dataset.key,
        control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent ??
          control.innerText.split("\n")[0],
      );
    }
    for (const [keys, words] of Object.entries(moveWords)) add(keys, words);
    const close = Object.assign(document.createElement("button"), {
      className: "button",
      textContent: "Close",
    });
    close.addEventListener("click", () => dialog.close());
    dialog.append(
      Object.assign(document.createElement("h2"), { textContent: "Keys on this page" }),
      list,
      close,
    );
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  });
})();
