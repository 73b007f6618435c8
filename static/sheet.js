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
  const reviewWords = {
    j: "Next file",
    k: "Previous file",
    n: "Next file that is not viewed",
    "Shift+n": "Previous file that is not viewed",
    Enter: "Fold the file; on a line: comment",
    i: "Into the lines, then j and k",
    "Shift+j": "Take in the next line",
    Escape: "Back to the file",
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
    const told = new Set(); // a key that each row has is told once
    for (const control of document.querySelectorAll("[data-key]")) {
      if (control.checkVisibility?.() === false || /^\d$/.test(control.dataset.key)) continue;
      if (control.closest("[data-row]") && told.has(control.dataset.key)) continue;
      told.add(control.dataset.key);
      add(
        control.dataset.key,
        (control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent ??
          control.innerText.split("\n")[0]) +
          (control.hasAttribute("data-decides") ? ", then Enter" : ""),
      );
    }
    const review = document.querySelector(".file-box") ? reviewWords : {};
    for (const [keys, words] of Object.entries({ ...moveWords, ...review })) add(keys, words);
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
