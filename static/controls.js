// The controls of a page that have a key, with their words: for the sheet behind `?` and the palette.
globalThis.gafferControls = (() => {
  const OF_ROW = / (?:for )?ticket #\d+$/; // every row has the key

  const isShown = (control) =>
    // What is in a row's menu works without the menu being opened.
    control.checkVisibility?.() !== false || control.closest(".row-menu") !== null;

  function wordsOf(control) {
    const words = control.getAttribute("aria-label") ?? control.labels?.[0]?.textContent ??
      (control.innerText || control.textContent).split("\n")[0];
    return words.trim().replace(OF_ROW, "") +
      (control.hasAttribute("data-decides") ? ", then Enter" : "");
  }

  // A key that each row has comes once: of the row that has the focus, else of the first one.
  function named() {
    const here = document.activeElement?.closest("[data-row]");
    const rowed = new Set();
    const found = [];
    const controls = [...document.querySelectorAll("[data-key]")];
    for (
      const control of [...(here ? controls.filter((c) => here.contains(c)) : []), ...controls]
    ) {
      const keys = control.dataset.key;
      const row = control.closest("[data-row]");
      if (!isShown(control) || /^\d$/.test(keys) || row && rowed.has(keys)) continue;
      if (row) rowed.add(keys);
      found.push({
        control,
        keys,
        words: wordsOf(control),
        inRow: row !== null,
        here: row === here,
      });
    }
    return found;
  }

  const shown = (keys) => keys.replace("Shift+", "Shift ").replace("Control+", "Ctrl ");

  return { named, shown };
})();
