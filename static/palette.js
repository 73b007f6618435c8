// Ctrl or Cmd with K: a field that finds what the page can do, where else to go, and ideas by their words.
(() => {
  const SHOWN_MAX = 50;
  const make = (name, properties = {}, attributes = {}) => {
    const element = Object.assign(document.createElement(name), properties);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  const press = (control) =>
    document.dispatchEvent(new CustomEvent("gaffer:use", { detail: control }));

  function entries() {
    const controls = globalThis.gafferControls.named().filter(({ inRow, here }) => !inRow || here)
      .map(({ control, keys, words }) => ({ words, keys, run: () => press(control) }));
    const shown = new Set(controls.map(({ words }) => words));
    const pages = [...document.querySelectorAll("#nav .nav-label")].map((label) => ({
      words: label.textContent,
      keys: label.closest("a").dataset.key,
      run: () => label.closest("a").click(),
    }));
    return [...controls, ...pages.filter(({ words }) => !shown.has(words))];
  }

  const search = (text) => ({
    words: `Search ideas for “${text}”`,
    keys: "",
    run() {
      const link = make("a", { href: `/ideas?q=${encodeURIComponent(text)}`, hidden: true });
      document.getElementById("app").append(link);
      globalThis.htmx?.process(link);
      link.click();
    },
  });

  function matching(all, text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((entry) =>
      words.every((word) => entry.words.toLowerCase().includes(word))
    );
    return [...found.slice(0, SHOWN_MAX), ...(text.trim() ? [search(text.trim())] : [])];
  }

  function open() {
    const all = entries();
    let found = [];
    let at = 0;
    const dialog = make("dialog", { className: "key-sheet palette" }, { "aria-label": "Commands" });
    const list = make("ul", { id: "palette-list" }, { role: "listbox", "aria-label": "Commands" });
    const field = make("input", {
      type: "text",
      autocomplete: "off",
      placeholder: "Go, do or find",
    }, {
      role: "combobox",
      "aria-label": "Go, do or find",
      "aria-expanded": "true",
      "aria-controls": list.id,
      "aria-autocomplete": "list",
    });

    function choose(to) {
      at = Math.min(Math.max(to, 0), found.length - 1);
      [...list.children].forEach((option, i) => option.setAttribute("aria-selected", i === at));
      field.setAttribute("aria-activedescendant", found.length > 0 ? `palette-${at}` : "");
      list.children[at]?.scrollIntoView({ block: "nearest" });
    }

    function show() {
      found = matching(all, field.value);
      list.replaceChildren(...found.map(({ words, keys }, i) => {
        const option = make("li", { id: `palette-${i}`, textContent: words }, { role: "option" });
        if (keys) {
          option.append(make("kbd", { textContent: globalThis.gafferControls.shown(keys) }));
        }
        option.addEventListener("click", () => run(i));
        return option;
      }));
      choose(0);
    }

    function run(i) {
      dialog.close();
      found[i]?.run();
    }

    field.addEventListener("input", show);
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown") choose(at + 1);
      else if (event.key === "ArrowUp") choose(at - 1);
      else if (event.key === "Enter") run(at);
      else return;
      event.preventDefault();
    });
    dialog.append(field, list);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    show();
  }

  document.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey, shiftKey, defaultPrevented } = event;
    if (key.toLowerCase() !== "k" || !(ctrlKey || metaKey) || altKey || shiftKey) return;
    // In a document's text it writes a link.
    if (defaultPrevented || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    open();
  });
})();
