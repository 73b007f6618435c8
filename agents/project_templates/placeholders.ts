/**
 * `{{key}}` and `{{key|filter}}` in the texts of a template. A library was not taken: those there are either know no
 * file but HTML (mustache) or compile templates to code (eta, handlebars), and an imported template must stay data.
 * What is needed is one replacement, with the escaping of the file that it goes into.
 */
import { extname } from "node:path";
import { shellQuote } from "../git/git_error.ts";

/** Answers that every template has. */
export const builtInKeys = ["name", "description", "year", "date"] as const;
/** Lists that texts of files may have besides: markdown, of what the answers leave. */
export const listKeys = ["commands", "paths", "agents"] as const;

/** What an answer in words may be. */
export const answerForms = [
  "line",
  "identifier",
  "package",
  "module",
  "folder",
  "version",
] as const;
export type AnswerForm = typeof answerForms[number];

const forms: Record<AnswerForm, [pattern: RegExp, words: string]> = {
  line: [/^.{1,200}$/, "one line of at most 200 characters"],
  identifier: [/^[A-Za-z][A-Za-z0-9_]{0,59}$/, "letters, digits and _, a letter first"],
  package: [
    /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]{0,99}$/,
    "a name such as my-package or @me/my-package",
  ],
  module: [
    /^[A-Za-z0-9][A-Za-z0-9._~-]*(?:[/.][A-Za-z0-9][A-Za-z0-9_~-]*)*$/,
    "letters, digits, and . - / between them, such as example.com/me/thing",
  ],
  folder: [/^(?:\/|[A-Za-z]:[\\/])[^"'`$\\]{1,300}$/, "a full path, such as /opt/tools"],
  version: [/^\d{1,4}(?:\.\d{1,6}){0,3}[a-z0-9.-]{0,12}$/, "a version, such as 5.6"],
};

/** Why a text is no answer of that form; null: it is one. Control characters and ends of lines never are. */
export function whyNoAnswer(text: string, form: AnswerForm): string | null {
  const [pattern, words] = forms[form];
  return pattern.test(text) && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) ? null : `Write ${words}`;
}

const wordsOf = (text: string): string[] =>
  text.normalize("NFKD").replace(/\p{M}/gu, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase().match(/[a-z0-9]+/g) ?? [];
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
/** A name of a program begins with a letter. */
const lettered = (name: string): string => /^[a-z]/i.test(name) ? name : `p${name}`;

const filters: Record<string, (text: string) => string> = {
  kebab: (text) => lettered(wordsOf(text).join("-")),
  snake: (text) => lettered(wordsOf(text).join("_")),
  pascal: (text) => capital(lettered(wordsOf(text).map(capital).join(""))),
  camel: (text) =>
    lettered(wordsOf(text).map((word, i) => i === 0 ? word : capital(word)).join("")),
  compact: (text) => lettered(wordsOf(text).join("")),
};

const PLACEHOLDER = /\{\{([a-z][a-z0-9_]*)(?:\|([a-z]+))?\}\}/g;

/** The filter that leaves this text as it is; null: none does. */
export const filterThatKeeps = (text: string): string | null =>
  Object.entries(filters).find(([, filter]) => filter(text) === text)?.[0] ?? null;

/** Whether anything in a text would be filled in, or taken for that. */
export const hasPlaceholders = (text: string): boolean => text.search(PLACEHOLDER) >= 0;

/** The first placeholder whose key or filter there is not; null: all can be filled in. */
export function unknownPlaceholders(text: string, keys: ReadonlySet<string>): string | null {
  for (const [whole, key, filter] of text.matchAll(PLACEHOLDER)) {
    if (!keys.has(key!)) return `there is no answer "${key}" for ${whole}`;
    if (filter !== undefined && !(filter in filters)) {
      return `${whole} has none of the filters ${Object.keys(filters).join(", ")}`;
    }
  }
  return null;
}

/** Values by key; what the file's kind gives a meaning to is escaped by `escape`. */
export function fillIn(
  text: string,
  values: Readonly<Record<string, string>>,
  escape: (value: string) => string,
): string {
  return text.replaceAll(PLACEHOLDER, (whole, key: string, filter?: string) => {
    const value = values[key];
    if (value === undefined) return whole;
    return escape(filter === undefined ? value : filters[filter]!(value));
  });
}

const inString = (value: string): string => JSON.stringify(value).slice(1, -1);
const inXml = (value: string): string =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&apos;");
const asItIs = (value: string): string => value;

const strings = [
  ...[".json", ".jsonc", ".uproject", ".uplugin", ".asmdef", ".toml", ".yaml", ".yml"],
  ...[".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".rs", ".go", ".py", ".cs", ".java"],
  ...[".kt", ".swift", ".c", ".h", ".cpp", ".hpp", ".rb", ".gradle", ".css"],
];
const markup = [".html", ".xml", ".svg", ".csproj", ".props", ".targets", ".plist"];
const scripts = [".sh", ".bash", ".mk", "Makefile"];

/**
 * How a value is put into a file, by its ending: within a double-quoted string (or a line comment) in data and programs,
 * as text or attribute in markup, as one word in shell scripts; as it is in markdown and all other text. A template must
 * stand by that: its placeholders are in double quotes in data and programs, and never in block comments.
 */
export function escapeFor(path: string): (value: string) => string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const ending = extname(name).toLowerCase();
  if (strings.includes(ending)) return inString;
  if (markup.includes(ending)) return inXml;
  return scripts.includes(ending) || scripts.includes(name) ? shellQuote : asItIs;
}

/** As it is: markdown, paths. */
export const noEscape = asItIs;
