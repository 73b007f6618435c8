// Paints Markdown below a textarea whose own letters are clear: the same text in the same place, with colours laid
// over ranges of it (CSS custom highlights), so that nothing is put into the page that came out of the text.
const LIMIT = 60_000; // characters; a longer text stays plain, so that no key waits for it
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** Where what stands, in the order in which it is looked for: what is found is not looked at again. */
const RULES = [
  ["front", /^---[ \t]*\n[^]*?\n---[ \t]*(?=\n|$)/g],
  ["code", /(?<!`)(`{1,8})(?!`)[^`\n]+\1(?!`)/g],
  ["clash", /^(?:<{7} .*|={7}|>{7} .*)$/gm],
  ["heading", /^#{1,6}[ \t]+\S.*$/gm],
  [
    "link",
    /\[\[[^[\]\n]{1,300}\]\]|!?\[[^[\]\n]{0,300}\]\([^()\s]{1,300}\)|(?<![\w#])#(?:idea|ticket)-\d{1,9}(?![\w-])|https?:\/\/[^\s<>)]{1,300}/g,
  ],
  ["mark", /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\](?=\s))?|>[> \t]*)/gm],
  ["strong", /(\*\*|__)(?=\S)[^\n*_]{1,300}\1|(?<![\w*_])([*_])(?=\S)[^\n*_]{1,300}\2(?![\w*_])/g],
];

/** Parts of a text by their names: where each begins and ends. */
export function partsOf(text) {
  const parts = Object.fromEntries(RULES.map(([name]) => [name, []]));
  const blank = (found) => found.replace(/[^\n]/g, "\u0001"); // no sign, and no space
  let rest = "";
  let fence = "";
  for (const line of text.split("\n")) {
    const mark = FENCE.exec(line)?.[1] ?? "";
    const isCode = fence || mark;
    if (isCode && line) parts.code.push([rest.length, rest.length + line.length]);
    if (!fence) fence = mark;
    else if (mark.startsWith(fence) && line.trim() === mark) fence = "";
    rest += `${isCode ? blank(line) : line}\n`;
  }
  rest = rest.slice(0, -1);
  for (const [name, rule] of RULES) {
    rest = rest.replace(rule, (found, ...more) => {
      const at = more.at(-2);
      parts[name].push([at, at + found.length]);
      return blank(found);
    });
  }
  return parts;
}

let field = null; // whose text is painted
let under = null; // the element below it
let shape = null; // tells when the field gets another size

/** The letters below stand exactly where the field's own do. */
function place() {
  if (!field?.offsetParent || !under) return;
  const { offsetLeft, clientLeft, clientWidth, offsetParent } = field;
  const left = offsetLeft + clientLeft;
  under.style.top = `${field.offsetTop + field.clientTop}px`;
  // By both sides, so that it is never wider than what holds it, not even until this is called again.
  under.style.left = `${left}px`;
  under.style.right = `${offsetParent.clientWidth - left - clientWidth}px`;
  under.style.height = `${field.clientHeight}px`;
  under.scrollTop = field.scrollTop;
}

/** Paints the text of a field, and again whenever it changes, until it is cleared. */
export function paint(target) {
  if (target.value.length > LIMIT) return clear(target, true);
  if (field !== target || !under?.isConnected) {
    clear(field);
    field = target;
    under = document.createElement("div");
    under.className = "colours mono";
    under.ariaHidden = "true";
    under.append("");
    field.before(under);
    shape = new ResizeObserver(place);
    shape.observe(field);
    field.addEventListener("input", repaint);
    field.addEventListener("scroll", place);
  }
  field.classList.add("coloured");
  const letters = under.firstChild;
  letters.data = `${field.value}\n`;
  for (const [name, ranges] of Object.entries(partsOf(field.value))) {
    const staticRanges = ranges.map(([startOffset, endOffset]) =>
      new StaticRange({
        startContainer: letters,
        startOffset,
        endContainer: letters,
        endOffset,
      })
    );
    CSS.highlights.set(`text-${name}`, new Highlight(...staticRanges));
  }
  place();
}

/** Leaves the field plain. `again`: it is painted once it is short enough. */
export function clear(target, again = false) {
  for (const [name] of RULES) CSS.highlights.delete(`text-${name}`);
  shape?.disconnect();
  under?.remove();
  target?.classList.remove("coloured");
  target?.removeEventListener("scroll", place);
  if (!again) target?.removeEventListener("input", repaint);
  else target.addEventListener("input", repaint);
  field = under = shape = null;
}

const repaint = ({ target }) => paint(target);
