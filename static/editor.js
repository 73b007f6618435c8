// A document's textarea: suggestions after "#" and "[[", and the next item when Enter ends one of a list. What the
// person has typed stays theirs: everything is put in as if it had been typed, so that undo takes it back.
(() => {
  const MARK = /(?:\[\[[^[\]\n]{0,60}|(?<![\w#&/])#[\w-]{0,40})$/;
  const ITEM = /^(\s*(?:[-*+]|(\d{1,9})([.)])) +)(\[[ xX]\] )?(.*)$/;
  let asked = null; // the request under way
  let shown = ""; // what the list on the page was asked for

  const fieldOf = (target) => target?.matches?.("[data-editor] textarea") ? target : null;
  const box = () => document.getElementById("completions");
  const options = () => [...(box()?.children ?? [])];
  const before = (field) => field.value.slice(0, field.selectionStart);

  function close(field) {
    asked?.abort();
    asked = null;
    shown = "";
    box()?.remove();
    field?.removeAttribute("aria-activedescendant");
    field?.removeAttribute("aria-controls");
  }

  function select(field, index) {
    options().forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    field.setAttribute("aria-activedescendant", `completion-${index}`);
    options()[index]?.scrollIntoView({ block: "nearest" });
  }

  async function suggest(field) {
    const text = MARK.exec(before(field))?.[0];
    if (!text) return close(field);
    if (text === shown) return;
    asked?.abort();
    const mine = asked = new AbortController();
    shown = text;
    const query = new URLSearchParams({ text });
    const address = `/documents/${field.form.dataset.editor}/completions?${query}`;
    try {
      const answer = await fetch(address, { signal: mine.signal });
      const html = answer.ok ? await answer.text() : "";
      if (mine.signal.aborted) return;
      box()?.remove();
      field.insertAdjacentHTML("afterend", html);
      if (options().length === 0) return box()?.remove();
      field.setAttribute("aria-controls", "completions");
      field.setAttribute("aria-autocomplete", "list");
      select(field, 0);
      document.getElementById("status").textContent = `${options().length} suggestions`;
    } catch (error) {
      if (error.name !== "AbortError") close(field); // it is a help only: typing goes on without
    }
  }

  function put(field, text, from) {
    field.focus();
    field.setSelectionRange(from, field.selectionEnd);
    document.execCommand("insertText", false, text);
  }

  function choose(field, option) {
    const { insert } = option.dataset;
    const from = field.selectionStart - MARK.exec(before(field))[0].length;
    if (field.value.startsWith("]]", field.selectionEnd) && insert.endsWith("]]")) {
      field.selectionEnd += 2;
    }
    put(field, insert, from);
    close(field);
  }

  // "- [x] a" is followed by "- [ ] ", "1. a" by "2. "; an item without words ends the list.
  function goOn(field) {
    const start = before(field).lastIndexOf("\n") + 1;
    const match = ITEM.exec(field.value.slice(start, field.selectionStart));
    if (!match || field.selectionStart !== field.selectionEnd) return false;
    const [, mark, number, dot, tick, words] = match;
    if (words.trim() === "") put(field, "\n", start);
    else {
      const next = number ? mark.replace(number + dot, Number(number) + 1 + dot) : mark;
      put(field, `\n${next}${tick ? "[ ] " : ""}`, field.selectionStart);
    }
    return true;
  }

  function press(field, { key }) {
    const list = options();
    const at = list.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (list.length > 0) {
      if (key === "ArrowDown" || key === "ArrowUp") {
        select(field, (at + (key === "ArrowDown" ? 1 : -1) + list.length) % list.length);
      } else if (key === "Enter" || key === "Tab") choose(field, list[at]);
      else if (key === "Escape") close(field);
      else return false;
      return true;
    }
    return key === "Enter" && goOn(field);
  }

  document.addEventListener("input", ({ target }) => {
    const field = fieldOf(target);
    if (field) suggest(field);
  });
  document.addEventListener("keydown", (event) => {
    const field = fieldOf(event.target);
    const { ctrlKey, metaKey, altKey, shiftKey, isComposing } = event;
    if (!field || ctrlKey || metaKey || altKey || shiftKey || isComposing) return;
    if (!press(field, event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest?.("#completions > [role=option]");
    if (!option) return;
    event.preventDefault(); // the focus stays in the text
    choose(option.closest("[data-editor]").querySelector("textarea"), option);
  });
  document.addEventListener("focusout", ({ target }) => fieldOf(target) && close(target));
})();
