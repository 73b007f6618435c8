/**
 * Mermaid as the library that draws reads it. It knows links between things only with spaces around them and in their
 * shortest form, and takes what it does not know for part of a name, or leaves it out without a word: a drawing that says
 * something else than its text.
 */

/** The same diagram, spelled out; what is not understood stays as it is. */
export function spelled(source: string): string {
  const lines = source.split("\n");
  const head = lines.findIndex((line) => line.trim() !== "" && !line.trim().startsWith("%%"));
  const kind = /^\s*(\w+)/.exec(lines[head] ?? "")?.[1] ?? "";
  const spell = spellings[kind];
  if (!spell) return source;
  return lines.map((line, at) => at === head ? headOf(line) : spell(line)).join("\n");
}

/** Down the page, where it says nothing; what follows on the same line has its own. */
function headOf(line: string): string {
  const [, kind, direction, rest] =
    /^\s*(graph|flowchart)(?:\s+(TD|TB|LR|BT|RL))?\s*(?:;(.*))?$/.exec(line) ?? [];
  if (kind === undefined) return line;
  const head = `${kind} ${direction ?? "TD"}`;
  return rest?.trim() ? `${head}\n${flowLine(rest)}` : head;
}

const spellings: Record<string, (line: string) => string> = {
  graph: flowLine,
  flowchart: flowLine,
  classDiagram: (line) =>
    line.replace(
      /([\w~`)\]"])\s?(<\|--|--\|>|\*--|--\*|<-->|<--|-->|<\|\.\.|\.\.\|>|<\.\.|\.\.>)\s?(?=[\w`"])/g,
      "$1 $2 ",
    ),
  erDiagram: (line) =>
    line.replace(
      /(\|o|\|\||\}o|\}\|)(--|\.\.)(o\||\|\||o\{|\|\{)/g,
      " $1$2$3 ",
    ),
};

/** Names and words of their own, which are no links. */
const NO_LINKS =
  /^\s*(?:%%|(?:subgraph|classDef|class|style|linkStyle|click|direction|end|accTitle|accDescr)\b)/;
const CLOSING: Record<string, string> = { "[": "]", "(": ")", "{": "}", '"': '"' };

/** Links and their forms, those with words in them last. Each is looked for at one place; words have a limit, and so has the time. */
const links: [pattern: RegExp, form: (found: RegExpExecArray) => string][] = [
  [/(<?)-{2,}>/y, ([, back]) => `${back}-->`],
  [/(<?)={2,}>/y, ([, back]) => `${back}==>`],
  [/(<?)-\.+->/y, ([, back]) => `${back}-.->`],
  // A circle or a cross at its end can't be drawn.
  [/-{2,}[ox](?=\s)/y, () => "-->"],
  [/-{3,}/y, () => "---"],
  [/={3,}/y, () => "==="],
  [/-\.+-/y, () => "-.-"],
  [
    /(<?)--\s{0,9}([^\s<>|-][^\n|]{0,200}?)\s{0,9}(?:-{2,}(>)|-{3,})/y,
    ([, back, words, to]) => `${back}-- ${words} ${to ? "-->" : "---"}`,
  ],
  [
    /(<?)==\s{0,9}([^\s<>|=][^\n|]{0,200}?)\s{0,9}(?:={2,}(>)|={3,})/y,
    ([, back, words, to]) => `${back}== ${words} ${to ? "==>" : "==="}`,
  ],
  [
    /(<?)-\.\s{0,9}([^\s<>|.-][^\n|]{0,200}?)\s{0,9}\.+-(>?)/y,
    ([, back, words, to]) => `${back}-. ${words} ${to ? ".->" : "-.-"}`,
  ],
];
const LABEL = /\s*(\|[^|\n]*\|)/y;

function flowLine(line: string): string {
  if (NO_LINKS.test(line)) return line.replace(/;\s{0,9}$/, "");
  let said = "";
  for (let at = 0; at < line.length;) {
    const close = CLOSING[line[at]!];
    if (close !== undefined) {
      const end = endOf(line, at, close);
      said += line.slice(at, end);
      at = end;
      continue;
    }
    const link = linkAt(line, at);
    if (line[at] === ";") {
      said += "\n";
      at++;
    } else if (link === null) said += line[at++];
    else {
      said = `${said.trimEnd() === "" ? said : said.trimEnd()} ${link.form} `;
      at = link.end;
      while (line[at] === " ") at++;
    }
  }
  return said;
}

/** After what closes a bracket or quote; the line's end: nothing does. */
function endOf(line: string, from: number, close: string): number {
  const open = line[from]!;
  let depth = 0;
  for (let at = from; at < line.length; at++) {
    if (open !== '"' && line[at] === '"') at = Math.max(at, line.indexOf('"', at + 1));
    else if (line[at] === close && (open !== close || at > from)) depth--;
    else if (line[at] === open) depth++;
    if (depth === 0) return at + 1;
  }
  return line.length;
}

function linkAt(line: string, at: number): { form: string; end: number } | null {
  if (!"<-=".includes(line[at]!)) return null;
  for (const [pattern, form] of links) {
    pattern.lastIndex = at;
    const found = pattern.exec(line);
    if (!found) continue;
    const end = at + found[0].length;
    LABEL.lastIndex = end;
    const label = LABEL.exec(line);
    return label
      ? { form: `${form(found)}${label[1]}`, end: end + label[0].length }
      : { form: form(found), end };
  }
  return null;
}
