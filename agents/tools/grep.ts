import { baseName, folderOf, relativePath } from "../paths.ts";
import { globMatcher, type ResolvedPath } from "../policy.ts";
import { MAX_FILE_BYTES, type PlaceFiles } from "./files.ts";
import { fileTypes } from "./file_types.ts";
import { compilePattern, type TextPattern } from "./pattern.ts";
import { clipLine, count, decodeText, isBinary, takeLines } from "./text.ts";
import { defineTool, ToolError } from "./tool.ts";
import { walk } from "./walk.ts";

export const GREP_MAX_CHARS = 30_000;
const MAX_ENTRIES = 1_000;
const MAX_OFFSET = 100_000;
const MAX_LINE_CHARS = 500;
const MAX_CONTEXT_LINES = 50;
/** Between two files; a pattern that hangs inside one is ended by whoever waits for the hands. */
const GREP_TIMEOUT_MS = 20_000;

export const grepTool = defineTool({
  name: "Grep",
  description:
    "Searches in what the files of the project contain, with a regular expression (JavaScript's; escape " +
    "( [ { . to find them as they are). By default lists the files with a match; output_mode " +
    '"content" shows the matching lines with their numbers, "count" their number per file. Leaves out ' +
    ".git, node_modules, ignored and binary files. Faster and safer than grep in a shell.",
  readOnly: true,
  tags: ["private"],
  whenCutOff: "again",
  input: (z) => {
    const lines = (what: string) =>
      z.int().min(0).max(MAX_CONTEXT_LINES).optional().describe(`${what}; only for content`);
    return z.strictObject({
      pattern: z.string().min(1).max(2_000).describe("Regular expression to search for"),
      path: z.string().min(1).optional().describe("File or folder; default: the whole project"),
      glob: z.string().min(1).max(1_000).optional().describe(
        'Only files that match, such as "*.ts" or "src/**/*.{js,ts}"; a leading ! leaves them out',
      ),
      type: z.string().optional().describe(
        'Only files of a type: "ts", "js", "py", "go", "rust", …',
      ),
      output_mode: z.enum(["files_with_matches", "content", "count"]).optional()
        .describe("Default: files_with_matches"),
      "-A": lines("Lines to show after each match"),
      "-B": lines("Lines to show before each match"),
      "-C": lines("Lines to show before and after each match"),
      "-i": z.boolean().optional().describe("Ignore case"),
      "-n": z.boolean().optional().describe("Line numbers for content; default true"),
      multiline: z.boolean().optional().describe(
        "Let the pattern span lines: . matches line ends too",
      ),
      head_limit: z.int().min(1).max(MAX_ENTRIES).optional().describe(
        "Most lines or files of the answer",
      ),
      offset: z.int().min(0).max(MAX_OFFSET).optional().describe(
        "Lines or files of the answer to skip first",
      ),
    });
  },
  async run(input, { files, signal }) {
    const start = files.resolve(input.path ?? ".", "search");
    const pattern = compilePattern(input.pattern, {
      ignoreCase: input["-i"] ?? false,
      multiline: input.multiline ?? false,
    });
    const mode = input.output_mode ?? "files_with_matches";
    const format = entryFormat(mode, {
      before: input["-B"] ?? input["-C"] ?? 0,
      after: input["-A"] ?? input["-C"] ?? 0,
      numbers: input["-n"] ?? true,
    });
    const offset = input.offset ?? 0;
    const limit = input.head_limit ?? MAX_ENTRIES;
    const entries: string[] = [];
    const search = { files, start, pattern, accepts: await fileFilter(input), signal };
    let timedOut = false;
    for await (const hit of hits(search)) {
      if (hit === "timeout") timedOut = true;
      else for (const entry of format(hit, entries.length > 0)) entries.push(entry);
      // One more than is shown tells that there is more.
      if (entries.length > offset + limit) break;
    }
    return { content: answer(entries, { offset, limit, timedOut, what: input.pattern }) };
  },
});

interface Hit {
  path: string;
  lines: readonly string[];
  /** Numbers of the matching lines, from 0. */
  matching: number[];
}

interface Search {
  files: PlaceFiles;
  start: ResolvedPath;
  pattern: TextPattern;
  accepts: (path: string) => boolean;
  signal: AbortSignal;
}

async function* hits({ files, start, pattern, accepts, signal }: Search) {
  const endsAt = performance.now() + GREP_TIMEOUT_MS;
  const info = files.stat(start);
  if (!info) throw new ToolError(`Cannot search ${start.real}: there is no such file or folder`);
  const base = info.isDirectory ? start.real : folderOf(start.real);
  const batches = info.isDirectory ? walk(files, start, signal) : [[namedFile(files, start)]];
  for await (const batch of batches) {
    for (const file of batch) {
      if (performance.now() > endsAt) {
        yield "timeout" as const;
        return;
      }
      if (!accepts(relativePath(base, file.real))) continue;
      const hit = searchFile(files, file, pattern);
      if (hit) yield hit;
    }
  }
}

/** A file that the model named is refused aloud; one that a walk came upon is left out in silence. */
function namedFile(files: PlaceFiles, path: ResolvedPath): ResolvedPath {
  const file = files.resolve(path.real, "read");
  files.readBytes(file);
  return file;
}

function searchFile(files: PlaceFiles, file: ResolvedPath, pattern: TextPattern): Hit | null {
  const size = files.stat(file)?.size ?? 0;
  if (size === 0 || size > MAX_FILE_BYTES) return null;
  let bytes;
  try {
    bytes = files.readBytes(file);
  } catch (error) {
    // Deleted or closed to us since it was listed, or a hard link: not part of what may be searched.
    if (error instanceof ToolError || error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
  if (isBinary(bytes)) return null;
  const { text } = decodeText(bytes);
  if (!pattern.mayMatch(text)) return null;
  const lines = text.split("\n").map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
  if (lines.at(-1) === "") lines.pop();
  const matching = pattern.matchingLines(lines);
  return matching.length > 0 ? { path: file.real, lines, matching } : null;
}

async function fileFilter(
  { glob, type }: { glob?: string; type?: string },
): Promise<(path: string) => boolean> {
  const typeGlobs = type === undefined ? null : fileTypes[type];
  if (typeGlobs === undefined) {
    throw new ToolError(
      `Cannot search type ${JSON.stringify(type)}: there are ${
        Object.keys(fileTypes).join(", ")
      }. Use glob for others`,
    );
  }
  const isOfType = typeGlobs ? await globMatcher([...typeGlobs]) : null;
  const excludes = glob?.startsWith("!") ?? false;
  const wanted = excludes ? glob!.slice(1) : glob;
  const matches = wanted
    ? await globMatcher([wanted.includes("/") ? wanted.replace(/^\//, "") : `**/${wanted}`])
    : null;
  return (path) =>
    (!isOfType || isOfType(baseName(path))) && (!matches || matches(path) !== excludes);
}

interface ContentOptions {
  before: number;
  after: number;
  numbers: boolean;
}

/** One entry is a line of the answer. */
function entryFormat(mode: "files_with_matches" | "content" | "count", options: ContentOptions) {
  return (hit: Hit, isLater: boolean): string[] => {
    if (mode === "files_with_matches") return [hit.path];
    if (mode === "count") return [`${hit.path}:${hit.matching.length}`];
    return contentLines(hit, options, isLater);
  };
}

/** As ripgrep prints them: `path:line:text`, context with dashes, `--` between blocks. */
function contentLines(hit: Hit, options: ContentOptions, isLater: boolean): string[] {
  const { before, after, numbers } = options;
  const matching = new Set(hit.matching);
  const out: string[] = [];
  let last = -1;
  for (const match of hit.matching) {
    const from = Math.max(match - before, last + 1, 0);
    const to = Math.min(match + after, hit.lines.length - 1);
    const hasGap = last >= 0 ? from > last + 1 : isLater;
    if (before + after > 0 && hasGap && from <= to) out.push("--");
    for (let i = from; i <= to; i++) {
      const mark = matching.has(i) ? ":" : "-";
      const number = numbers ? `${i + 1}${mark}` : "";
      out.push(`${hit.path}${mark}${number}${clipLine(hit.lines[i]!, MAX_LINE_CHARS)}`);
    }
    last = Math.max(last, to);
  }
  return out;
}

function answer(
  entries: string[],
  { offset, limit, timedOut, what }: {
    offset: number;
    limit: number;
    timedOut: boolean;
    what: string;
  },
): string {
  const notes = timedOut
    ? [`[Stopped after ${GREP_TIMEOUT_MS / 1000} s; there may be more. Give a path, glob or type.]`]
    : [];
  const wanted = entries.slice(offset, offset + limit);
  if (wanted.length === 0) {
    const none = entries.length > 0
      ? `No more results: there are ${
        count(entries.length, "line")
      }, offset ${offset} skips them all.`
      : `No matches for ${JSON.stringify(what)}.`;
    return [none, ...notes].join("\n");
  }
  const shown = takeLines(wanted, { maxLines: limit, maxBytes: GREP_MAX_CHARS });
  if (entries.length > offset + shown.length) {
    notes.unshift(
      `[There is more. Go on with offset ${offset + shown.length}, or narrow the search.]`,
    );
  }
  return [...shown, ...notes].join("\n");
}
