/**
 * Colours of code in a diff, by highlight.js: made for it, well kept, and it only reads. Loaded when a review is first
 * shown. Each hunk is coloured by itself, so one that begins within a comment of several lines may begin wrongly.
 */
import type { DiffHunk, DiffLine } from "../server/records.ts";

/** A coloured part of a line: offsets into its text, and its class. Parts without a colour are left out. */
export interface Colour {
  from: number;
  to: number;
  class: string;
}

/** Gives the colours of each line of a hunk, by index; null: the file's kind is not known, or time is up. */
export type Colours = (path: string, hunk: DiffHunk) => Colour[][] | null;

/** Longer lines, and hunks with more text, stay without. */
const LINE_MAX_CHARS = 500;
const HUNK_MAX_CHARS = 100_000;

interface Highlighter {
  highlight(
    code: string,
    options: { language: string; ignoreIllegals: boolean },
  ): { value: string };
}

/** Kept with the hunk, and gone with it. */
const known = new WeakMap<DiffHunk, Colour[][] | null>();

/**
 * Loads what is needed. `budgetMs`: time that one page may take for new colours, on the server's one thread; what is
 * left over is coloured when the page is loaded again.
 */
export async function loadColours(budgetMs = 60): Promise<Colours> {
  const { highlighter } = await import("./code_languages.ts");
  let leftMs = budgetMs;
  return (path, hunk) => {
    const cached = known.get(hunk);
    if (cached !== undefined) return cached;
    if (leftMs <= 0) return null;
    const begun = performance.now();
    const colours = colourHunk(highlighter, languageOf(path), hunk);
    known.set(hunk, colours);
    leftMs -= performance.now() - begun;
    return colours;
  };
}

function colourHunk(
  highlighter: Highlighter,
  language: string | null,
  { lines }: DiffHunk,
): Colour[][] | null {
  if (language === null) return null;
  const chars = lines.reduce((sum, { text }) => sum + text.length, 0);
  if (chars > HUNK_MAX_CHARS || lines.some(({ text }) => text.length > LINE_MAX_CHARS)) return null;
  const result: Colour[][] = lines.map(() => []);
  // Each side is code; the two mixed are not. What both have is taken from the new one.
  for (const other of ["added", "removed"] as const) {
    const side = lines.flatMap((line, i) => line.kind === other ? [] : [{ line, i }]);
    if (!side.some(({ line }) => line.kind !== "context") && other === "added") continue;
    const code = side.map(({ line }) => plain(line)).join("\n");
    const { value } = highlighter.highlight(code, { language, ignoreIllegals: true });
    for (const [n, colours] of readHtml(value).entries()) result[side[n]!.i] = colours;
  }
  return result;
}

const plain = ({ text }: DiffLine): string => text.replaceAll("\r", " ");

const entities: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
};

/** What the highlighter gives, line by line: spans may go over several lines, and stand in one another. */
export function readHtml(html: string): Colour[][] {
  const lines: Colour[][] = [[]];
  const open: string[] = [];
  let at = 0;
  const say = (length: number) => {
    const name = open.findLast((name) => name !== "");
    const line = lines.at(-1)!;
    const last = line.at(-1);
    if (name && length > 0) {
      if (last && last.to === at && last.class === name) last.to += length;
      else line.push({ from: at, to: at + length, class: name });
    }
    at += length;
  };
  for (const [token] of html.matchAll(/<span class="[^"]*">|<\/span>|&[#\w]+;|\n|[^<&\n]+/g)) {
    if (token.startsWith("<span")) open.push(classOf(token.slice(13, -2)));
    else if (token === "</span>") open.pop();
    else if (token === "\n") {
      lines.push([]);
      at = 0;
    } else say((entities[token] ?? token).length);
  }
  return lines;
}

/** The highlighter's forty names as the seven that are told apart. */
const classes: [name: string, pattern: RegExp][] = [
  ["c-comment", /comment|quote|doctag/],
  ["c-string", /string|regexp|char|code|link/],
  ["c-number", /number|literal|symbol|bullet/],
  ["c-keyword", /keyword|selector-(?:tag|pseudo)|operator|meta-keyword/],
  ["c-type", /type|built_in|class_|params_|selector-(?:class|id|attr)/],
  ["c-name", /title|function|section|name|attribute|attr|property/],
  ["c-meta", /meta|tag|template|variable/],
];
const classOf = (names: string): string =>
  classes.find(([, pattern]) => pattern.test(names.replaceAll("hljs-", "")))?.[0] ?? "";

/** By the end of the name, or the whole of it. */
const languages: Record<string, string> = {
  ...{ ts: "typescript", mts: "typescript", cts: "typescript", tsx: "typescript" },
  ...{ js: "javascript", mjs: "javascript", cjs: "javascript", jsx: "javascript" },
  ...{
    py: "python",
    pyi: "python",
    rs: "rust",
    go: "go",
    java: "java",
    kt: "kotlin",
    kts: "kotlin",
  },
  ...{
    c: "c",
    h: "cpp",
    cc: "cpp",
    cpp: "cpp",
    cxx: "cpp",
    hpp: "cpp",
    cs: "csharp",
    swift: "swift",
  },
  ...{ rb: "ruby", php: "php", sh: "bash", bash: "bash", zsh: "bash", lua: "lua", sql: "sql" },
  ...{ css: "css", scss: "scss", html: "xml", htm: "xml", xml: "xml", svg: "xml", vue: "xml" },
  ...{
    json: "json",
    jsonc: "json",
    yaml: "yaml",
    yml: "yaml",
    toml: "ini",
    ini: "ini",
    cfg: "ini",
  },
  ...{ md: "markdown", mk: "makefile", makefile: "makefile", dockerfile: "dockerfile" },
  ...{ cmake: "cmake", "cmakelists.txt": "cmake", ps1: "powershell" },
};

function languageOf(path: string): string | null {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const found = languages[name] ?? languages[name.slice(name.lastIndexOf(".") + 1)];
  return typeof found === "string" ? found : null;
}
