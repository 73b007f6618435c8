/** A file of YAML (and so JSON, too) that people write, checked: what is wrong is told with its line, key and what was expected. */
import { isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { AppError, type FieldError, messageOf } from "../server/errors.ts";
import { wrongKey } from "./unique_keys.ts";

/** Most problems of one file that are told. */
export const PROBLEMS_MAX = 20;

export interface YamlRead<T> {
  data: T;
  /** Line of a key that the file has, counted from 1; null: it has none such. Where it stands for a mapping, its text is no key. */
  lineOf(path: readonly PropertyKey[]): number | null;
  /** What is wrong of its values together, to be thrown. */
  refuse(problems: readonly { path: PropertyKey[]; message: string }[]): AppError;
}

/**
 * `what`: the file in words, for messages. Throws `invalid` with the line, key and what was expected of all that is
 * wrong, at most `PROBLEMS_MAX` of it.
 */
export function readYaml<T extends z.ZodObject>(
  source: string,
  { what, schema, maxChars }: { what: string; schema: T; maxChars: number },
): YamlRead<z.output<T>> {
  if (source.length > maxChars) {
    const message = `expected at most ${maxChars} characters, got ${source.length}`;
    throw refusal(what, [{ field: "", message }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const refuseAt = (offset: number, message: string) => {
    const at = lines.linePos(offset).line;
    throw refusal(what, [{ field: "", message: `line ${at}: ${message}` }]);
  };
  const [error] = document.errors;
  if (error) refuseAt(error.pos[0], error.message);
  const key = wrongKey(document);
  if (key) refuseAt(key.offset, key.message);
  const checked = schema.safeParse(valuesOf(document, what), { reportInput: true });
  const lineAt = (path: readonly PropertyKey[]): number | null => {
    const node = document.getIn(path, true) as
      | { range?: [number, number, number] }
      | undefined;
    return node?.range ? lines.linePos(node.range[0]).line : null;
  };
  const nearestLine = (path: PropertyKey[]): number | null => {
    for (let length = path.length; length > 0; length--) {
      const line = lineAt(path.slice(0, length));
      if (line !== null) return line;
    }
    return null;
  };
  const at = (path: PropertyKey[], message: string, culprit = path): FieldError => {
    const number = nearestLine(culprit);
    const field = path.join(".");
    const place = [number === null ? "" : `line ${number}`, field && `"${field}"`];
    return {
      field,
      message: [place.filter(Boolean).join(", "), message].filter(Boolean).join(": "),
    };
  };
  if (!checked.success) {
    throw refusal(
      what,
      checked.error.issues.slice(0, PROBLEMS_MAX)
        .map((issue) => {
          const { path, keys = [] } = issue as Issue;
          return at(path, expectedOf(issue as Issue, schema), [...path, ...keys.slice(0, 1)]);
        }),
    );
  }
  return {
    data: checked.data,
    lineOf: (path) => {
      const above = document.getIn(path.slice(0, -1), true);
      return isScalar(above) || !document.hasIn(path) ? null : lineAt(path);
    },
    refuse: (problems) => refusal(what, problems.map(({ path, message }) => at(path, message))),
  };
}

interface Issue {
  code: string;
  path: PropertyKey[];
  message: string;
  /** Of `invalid_type`: "array". */
  expected?: string;
  input?: unknown;
  keys?: string[];
}

/** Aliases are refused: nothing here needs them, and a few lines of them can unfold to gigabytes. */
function valuesOf(document: ReturnType<typeof parseDocument>, what: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw refusal(what, [{ field: "", message: `expected no YAML aliases (${messageOf(error)})` }]);
  }
}

function expectedOf(issue: Issue, schema: z.ZodObject): string {
  if (issue.code === "unrecognized_keys") {
    const named = issue.keys!.slice(0, KEYS_NAMED).map((key) => shown(key)).join(", ");
    const more = issue.keys!.length - KEYS_NAMED;
    return `expected no ${named}${more > 0 ? ` and ${more} others` : ""} here`;
  }
  const [top] = issue.path;
  const said = issue.path.length === 1
    ? (schema.shape as Record<string, z.ZodType>)[String(top)]?.description
    : undefined;
  const kind = issue.code === "invalid_type" ? kinds[issue.expected ?? ""] : undefined;
  const expected = said ?? kind ?? issue.message.replace(/^Invalid/, "invalid");
  const got = issue.input === undefined ? "but it is missing" : `got ${shown(issue.input)}`;
  return `expected ${expected.replace(/^(too|invalid)/i, (word) => `it not ${word}`)}, ${got}`;
}

/** What YAML calls them. */
const kinds: Readonly<Record<string, string | undefined>> = {
  array: "a list",
  object: "keys with values",
  record: "keys with values",
  string: "a text",
  number: "a number",
  boolean: "true or false",
};

const KEYS_NAMED = 10;
const SHOWN_CHARS = 60;
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

/** Of one problem: what the file says is repeated in it. */
const PROBLEM_CHARS = 1_000;

function refusal(what: string, problems: FieldError[]): AppError {
  const shown = problems.slice(0, PROBLEMS_MAX).map(({ field, message }) => ({
    field: field.slice(0, PROBLEM_CHARS),
    message: message.length > PROBLEM_CHARS ? `${message.slice(0, PROBLEM_CHARS)}…` : message,
  }));
  const text = shown.map(({ message }) => message).join("; ");
  return new AppError("invalid", `Cannot read ${what}: ${text}`, shown);
}
