// The sheet behind `?`: every key of this page, read from the controls' own `data-key`.
(() => {
  // What each is about must be on the page.
  const moveWords = {
    "[data-row]": {
      j: "Next row, as the arrow down",
      k: "Previous row, as the arrow up",
      "g g": "First row",
      "Shift+g": "Last row",
    },
    '[data-row] [data-key="x"]': {
      "Shift+j": "Select this row and the next one",
      "Shift+k": "Select this row and the previous one",
    },
    "[data-column] [data-row]": { h: "Previous column", l: "Next column" },
    "[data-step]": { n: "Next step", "Shift+n": "Previous step", Enter: "Unfold the step" },
    ".row-menu, .action-bar:not(.is-empty)": { ".": "Actions" },
    body: { y: "Copy the address", "Control+k": "Go, do or find" },
  };
  const onPage = () =>
    Object.assign(
      {},
      ...Object.entries(moveWords).flatMap(([what, words]) =>
        document.querySelector(what) ? [words] : []
      ),
    );
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
          textContent: globalThis.gafferControls.shown(keys),
        }),
      );
      value.textContent = words;
      list.append(term, value);
    };
    for (const { keys, words } of globalThis.gafferControls.named()) add(keys, words);
    const review = document.querySelector(".file-box") ? reviewWords : {};
    for (const [keys, words] of Object.entries({ ...onPage(), ...review })) add(keys, words);
    const close = Object.assign(document.createElement("button"), {
      className: "button",
      textContent: "Close",
    });
    close.addEventListener("click", () => dialog.close());
    // Before the list: what has the focus first is shown, and a long list is read from its top.
    const head = Object.assign(document.createElement("div"), { className: "key-sheet-head" });
    head.append(
      Object.assign(document.createElement("h2"), { textContent: "Keys on this page" }),
      close,
    );
    dialog.append(head, list);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  });
})();
