// A document's textarea: the buttons above it with their keys, Ctrl S, and Tab in lists and code. It all edits the
// markdown as if it were typed, so that undo takes it back. Tab elsewhere leads on, as does Escape and then Tab.
(() => {
  const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])( +)/;
  const PREFIX = { heading: "## ", list: "- ", numbers: "1. ", checklist: "- [ ] ", quote: "> " };
  const AROUND = { bold: "**", italic: "_" };
  const KEYS = { b: "bold", i: "italic", k: "link" };
  const TABLE = "| Column | Column |\n| --- | --- |\n|  |  |\n";

  const fieldOf = (target) => target?.matches?.("[data-editor] textarea") ? target : null;
  const fieldOfBar = (bar) => bar.closest("[data-editor]").querySelector("textarea");

  function put(field, text, from, to) {
    field.focus();
    field.setSelectionRange(from, to);
    // Nothing to insert would be refused, not done.
    document.execCommand(text === "" ? "delete" : "insertText", false, text);
  }

  // The whole lines that the selection touches.
  function linesOf({ value, selectionStart, selectionEnd }) {
    const from = value.lastIndexOf("\n", selectionStart - 1) + 1;
    const end = value.indexOf("\n", Math.max(from, selectionEnd));
    return { from, to: end < 0 ? value.length : end };
  }

  // Puts other lines there. The caret keeps its place in its line, a selection becomes the new lines.
  function putLines(field, change) {
    const { from, to } = linesOf(field);
    const { selectionStart: start, selectionEnd: end } = field;
    const old = field.value.slice(from, to);
    const text = old.split("\n").map(change).join("\n");
    if (text === old) return;
    put(field, text, from, to);
    if (start !== end) return field.setSelectionRange(from, from + text.length);
    const caret = Math.max(from, start + text.length - old.length);
    field.setSelectionRange(caret, caret);
  }

  function prefix(field, mark) {
    const { from, to } = linesOf(field);
    const lines = field.value.slice(from, to).split("\n");
    const bare = (line) =>
      line.replace(/^(\s*)(?:[-*+] \[[ xX]\] |[-*+] |\d{1,9}[.)] |> |#{1,6} )/, "$1");
    const marked = mark === PREFIX.numbers
      ? (line) => /^\s*\d{1,9}[.)] /.test(line)
      : (line) => line.trimStart().startsWith(mark);
    const isEmpty = (line) => line.trim() === "" && lines.length > 1;
    const all = lines.every((line) => isEmpty(line) || marked(line));
    let number = 0;
    putLines(field, (line) => {
      if (isEmpty(line)) return line;
      const [, indent, words] = /^(\s*)(.*)$/.exec(bare(line));
      if (all) return indent + words;
      return indent + (mark === PREFIX.numbers ? `${++number}. ` : mark) + words;
    });
  }

  function around(field, mark) {
    const { value, selectionStart: from, selectionEnd: to } = field;
    const inner = value.slice(from, to);
    const size = mark.length;
    if (value.slice(from - size, from) === mark && value.slice(to, to + size) === mark) {
      put(field, inner, from - size, to + size);
      return field.setSelectionRange(from - size, to - size);
    }
    put(field, mark + inner + mark, from, to);
    field.setSelectionRange(from + size, to + size);
  }

  function code(field) {
    const { value, selectionStart: from, selectionEnd: to } = field;
    if (!value.slice(from, to).includes("\n")) return around(field, "`");
    const lines = linesOf(field);
    const inner = value.slice(lines.from, lines.to);
    put(field, `\`\`\`\n${inner}\n\`\`\``, lines.from, lines.to);
    field.setSelectionRange(lines.from + 3, lines.from + 3); // where its language goes
  }

  function link(field) {
    const { value, selectionStart: from, selectionEnd: to } = field;
    const words = value.slice(from, to) || "words";
    put(field, `[${words}](address)`, from, to);
    const at = from + words.length + 3;
    field.setSelectionRange(at, at + "address".length);
  }

  function table(field) {
    const { to } = linesOf(field);
    const before = field.value.slice(0, to);
    const gap = before === "" || before.endsWith("\n\n")
      ? ""
      : before.endsWith("\n")
      ? "\n"
      : "\n\n";
    put(field, gap + TABLE, to, to);
    const at = to + gap.length + 2;
    field.setSelectionRange(at, at + "Column".length);
  }

  function write(field, what) {
    if (PREFIX[what]) prefix(field, PREFIX[what]);
    else if (AROUND[what]) around(field, AROUND[what]);
    else if (what === "code") code(field);
    else if (what === "link") link(field);
    else if (what === "table") table(field);
  }

  const inFence = (field, from) =>
    (field.value.slice(0, from).match(/^ {0,3}(?:```|~~~)/gm) ?? []).length % 2 === 1;

  // Whether Tab was for the text.
  function tab(field, back) {
    const { from, to } = linesOf(field);
    const [first] = field.value.slice(from, to).split("\n");
    const item = ITEM.exec(first);
    const several = field.value.slice(field.selectionStart, field.selectionEnd).includes("\n");
    const fenced = inFence(field, from);
    if (!item && !several && !fenced) return false;
    if (fenced && !several && !back) {
      put(field, "  ", field.selectionStart, field.selectionEnd);
      return true;
    }
    // An item lies in another's when it begins below that one's words.
    const step = item ? item[2].length + 1 : 2;
    putLines(field, (line) => {
      if (!back) return line.trim() === "" ? line : " ".repeat(step) + line;
      return line.replace(new RegExp(`^ {1,${step}}`), "");
    });
    return true;
  }

  // The form that somebody writes in; from anywhere else on the page that of the document.
  function save(event) {
    const editor = document.querySelector("[data-editor]");
    if (!editor) return;
    event.preventDefault(); // the browser would save the page
    const own = event.target.closest?.("form");
    const form = own?.querySelector("textarea") ? own : editor;
    form.requestSubmit(form.querySelector('[data-key="Control+Enter"]'));
  }

  document.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey, shiftKey, isComposing, defaultPrevented } = event;
    if (isComposing || altKey || defaultPrevented || document.querySelector("dialog[open]")) return;
    const control = ctrlKey || metaKey;
    if (control && !shiftKey && key.toLowerCase() === "s") return save(event);
    const field = fieldOf(event.target);
    if (field && control && !shiftKey && KEYS[key.toLowerCase()]) {
      event.preventDefault();
      write(field, KEYS[key.toLowerCase()]);
    } else if (field && !control && key === "Tab" && tab(field, shiftKey)) event.preventDefault();
  });

  // ------------------------------------------------------------------ the buttons

  const buttonsOf = (bar) => [...bar.querySelectorAll("button")];

  // One of the buttons is reached by Tab, the others from there by arrows.
  function show() {
    for (const bar of document.querySelectorAll("[data-writing][hidden]")) {
      bar.hidden = false;
      buttonsOf(bar).forEach((button, i) => button.tabIndex = i === 0 ? 0 : -1);
    }
  }

  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[data-writing] button")) event.preventDefault(); // the selection stays
  });
  document.addEventListener("click", (event) => {
    const { target } = event;
    const button = target.closest?.("[data-writing] button");
    if (button) return write(fieldOfBar(button.closest("[data-writing]")), button.dataset.write);
    // To the heading in the text, not only in the preview.
    const heading = target.closest?.("[data-heading-line]");
    const field = heading && document.querySelector("[data-editor] textarea");
    if (!field) return;
    event.preventDefault(); // following the link would take the focus away
    document.getElementById(heading.hash.slice(1))?.scrollIntoView({ block: "nearest" });
    const lines = field.value.split("\n").slice(0, Number(heading.dataset.headingLine) - 1);
    const at = lines.reduce((sum, line) => sum + line.length + 1, 0);
    field.blur();
    field.setSelectionRange(at, at);
    field.focus(); // with the caret there already, it is brought into sight
  });
  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest?.("[data-writing]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!bar || !step) return;
    const buttons = buttonsOf(bar);
    const at = buttons.indexOf(event.target);
    const next = buttons[(at + step + buttons.length) % buttons.length];
    buttons.forEach((button) => button.tabIndex = button === next ? 0 : -1);
    next.focus();
    event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", show);
  show();
})();
