import type { FileContent } from "./files.ts";
import { unifiedDiff } from "./diff.ts";
import { BOM, count, decodeText, isBinary } from "./text.ts";
import { defineTool, ToolError } from "./tool.ts";

export const editTool = defineTool({
  name: "Edit",
  description:
    "Replaces text in a file of the project. old_string must match the file exactly, white space and " +
    "indentation included (without the line numbers that Read shows), and must occur exactly once, " +
    "unless replace_all is true: include neighbouring lines to make it unique. The file must have been " +
    "read before, and not changed since. To make a new file use Write.",
  readOnly: false,
  whenCutOff: "settle",
  input: (z) =>
    z.strictObject({
      file_path: z.string().min(1).describe("Path in the project, relative or absolute"),
      old_string: z.string().min(1).describe("The text to replace, exactly as it is in the file"),
      new_string: z.string().describe("The text to put in its place; empty to delete"),
      replace_all: z.boolean().optional().describe("Replace every occurrence; default false"),
    }),
  async plan({ file_path, old_string, new_string, replace_all = false }, { files, known }) {
    const path = files.resolve(file_path, "write");
    if (old_string === new_string) {
      throw new ToolError(
        "Cannot edit: old_string and new_string are the same, nothing would change",
      );
    }
    if (!files.stat(path)) {
      throw new ToolError(`Cannot edit ${path.real}: there is no such file. Use Write to make it`);
    }
    const file = await files.read(path);
    requireKnown(file, known, "edit");
    const before = textOf(file);
    const [wanted, replacement] = inLineEndsOf(before, old_string, new_string);
    const places = occurrences(before, wanted);
    if (places.length === 0) {
      throw new ToolError(
        `Cannot edit ${path.real}: old_string is not in the file${nearMiss(before, old_string)}`,
      );
    }
    if (places.length > 1 && !replace_all) {
      throw new ToolError(
        `Cannot edit ${path.real}: old_string occurs ${places.length} times (lines ${
          places.slice(0, MAX_LISTED).map((at) => lineAt(before, at)).join(", ")
        }${
          places.length > MAX_LISTED ? ", …" : ""
        }). Add neighbouring lines to make it unique, or ` +
          "set replace_all",
      );
    }
    const after = before.split(wanted).join(replacement);
    return {
      path,
      bytes: new TextEncoder().encode(after),
      content: `Edited ${path.real}: replaced ${count(places.length, "occurrence")} (line ${
        lineAt(before, places[0]!)
      }${places.length > 1 ? " and after" : ""}).`,
      diff: () => unifiedDiff(path.relative, before, after),
    };
  },
});

const MAX_LISTED = 10;

/** Edit and Write may only change what the model has seen as it is now. Throws `ToolError`. */
export function requireKnown(
  { path, hash }: Pick<FileContent, "path" | "hash">,
  known: Readonly<Record<string, string>>,
  verb: "edit" | "write",
): void {
  const seen = Object.hasOwn(known, path.relative) ? known[path.relative] : undefined;
  if (seen === hash) return;
  throw new ToolError(
    `Cannot ${verb} ${path.real}: ${
      seen === undefined ? "it has not been read yet" : "it was changed after it was read"
    }. Read it${seen === undefined ? "" : " again"} first`,
  );
}

function textOf({ path, bytes }: FileContent): string {
  const { text, exact } = decodeText(bytes);
  if (exact && !isBinary(bytes)) return text;
  throw new ToolError(`Cannot edit ${path.real}: it is not a text file in UTF-8`);
}

/** A model sees and writes "\n"; where the file's lines end in "\r\n", so do the two strings. */
function inLineEndsOf(text: string, old: string, replacement: string): [string, string] {
  const isMixed = /(^|[^\r])\n/.test(text);
  if (!text.includes("\r\n") || (isMixed && text.includes(old))) return [old, replacement];
  const convert = (part: string) => part.replaceAll("\r\n", "\n").replaceAll("\n", "\r\n");
  return [convert(old), convert(replacement)];
}

function occurrences(text: string, part: string): number[] {
  const places = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) {
    places.push(at);
  }
  return places;
}

const lineAt = (text: string, at: number): number => text.slice(0, at).split("\n").length;

/** Where the text would match but for white space: the usual mistake. */
function nearMiss(text: string, old: string): string {
  const squeeze = (part: string) => part.replace(/\s+/g, "");
  const wanted = squeeze(old.split("\n").find((line) => line.trim() !== "") ?? "");
  const lines = text.replace(BOM, "").split("\n");
  const index = wanted === "" ? -1 : lines.findIndex((line) => squeeze(line) === wanted);
  if (index < 0) return ". Read the file again: it must match exactly";
  return `. Line ${index + 1} differs only in white space or in what follows it; it is ` +
    JSON.stringify(lines[index]!.replace(/\r$/, "").slice(0, 200));
}
