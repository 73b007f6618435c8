/** A markdown file's YAML front matter: its values, its body, and refusals that name file, line and key. */
import { isMap, isSeq, LineCounter, parseDocument } from "yaml";
import { AppError, type FieldError, messageOf } from "../../server/errors.ts";

/** One thing wrong with a file; without a key it is about the file as a whole. */
export interface Problem {
  key?: string;
  /** Entry of the key's list, counted from 0. */
  index?: number;
  message: string;
}

export interface FrontMatter {
  values: Record<string, unknown>;
  /** What follows the front matter, without blank lines around it. */
  body: string;
  /** An `invalid` error that names the file and the line of each problem; to be thrown. */
  refusal(problems: Problem[]): AppError;
}

const MAX_FILE_CHARS = 64_000;

/** Line 1 of a file is the opening fence. */
const LINES_BEFORE_YAML = 1;

/** Throws `invalid`, naming file and line, when there is no front matter or it is not key: value lines. */
export function readFrontMatter(text: string, file: string): FrontMatter {
  if (text.length > MAX_FILE_CHARS) {
    throw refuse(file, `expected at most ${MAX_FILE_CHARS} characters, got ${text.length}`);
  }
  const { yaml, body } = splitFrontMatter(text, file);
  const lineCounter = new LineCounter();
  const document = parseDocument(yaml, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number) => lineCounter.linePos(offset).line + LINES_BEFORE_YAML;
  const [error] = document.errors;
  if (error) throw refuse(file, error.message, lineAt(error.pos[0]));
  const { contents } = document;
  if (!isMap(contents)) throw refuse(file, 'expected lines of the form "key: value"');

  const lineOf = ({ key, index }: Problem): number => {
    const pair = contents.items.find((item) => String(item.key) === key);
    const list = pair?.value;
    const node = index !== undefined && isSeq(list) ? list.items[index] : pair?.key;
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    return range ? lineAt(range[0]) : 1;
  };
  return {
    values: toValues(() => document.toJS({ maxAliasCount: 0 }), file),
    body,
    refusal: (problems) => refusalOf(file, problems, lineOf),
  };
}

/** The two parts of a definition's file. Throws `invalid` without front matter. */
export function splitFrontMatter(text: string, file: string): { yaml: string; body: string } {
  const lines = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n").split("\n");
  const isFence = (line: string) => line.trimEnd() === "---";
  const end = lines.findIndex((line, index) => index > 0 && isFence(line));
  if (!isFence(lines[0]!) || end < 0) {
    throw refuse(
      file,
      'expected front matter: a line "---", lines of the form "key: value", and a line "---"',
    );
  }
  return { yaml: lines.slice(1, end).join("\n"), body: lines.slice(end + 1).join("\n").trim() };
}

/** Aliases are refused: nothing here needs them, and a few lines of them can unfold to gigabytes. */
function toValues(read: () => Record<string, unknown>, file: string): Record<string, unknown> {
  try {
    return read();
  } catch (error) {
    throw refuse(file, `expected no YAML aliases (${messageOf(error)})`);
  }
}

function refuse(file: string, message: string, line = 1): AppError {
  return refusalOf(file, [{ message }], () => line);
}

function refusalOf(
  file: string,
  problems: Problem[],
  lineOf: (problem: Problem) => number,
): AppError {
  const fields: FieldError[] = problems.map((problem) => ({
    field: problem.key ?? "",
    message: `line ${lineOf(problem)}${
      problem.key ? `, "${problem.key}"` : ""
    }: ${problem.message}`,
  }));
  const text = fields.map((field) => field.message).join("; ");
  return new AppError("invalid", `Cannot read the agent definition ${file}: ${text}`, fields);
}
