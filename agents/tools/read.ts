import { BOM, clipLine, count, decodeText, isBinary, takeLines } from "./text.ts";
import { defineTool, ToolError, type ToolOutput } from "./tool.ts";

export const READ_MAX_LINES = 2_000;
export const READ_MAX_BYTES = 50_000;
const MAX_LINE_CHARS = 2_000;

export const readTool = defineTool({
  name: "Read",
  description:
    `Reads a text file of the project. Each line comes as its number, a tab and the line; the number and ` +
    `the tab are not part of the file. At most ${READ_MAX_LINES} lines or ${
      READ_MAX_BYTES / 1000
    } KB ` +
    `come at once: read on with offset. A file must have been read before Edit or Write may change it. ` +
    `To look for something in many files use Grep, to list files use Glob.`,
  readOnly: true,
  tags: ["private"],
  whenCutOff: "again",
  input: (z) =>
    z.strictObject({
      file_path: z.string().min(1).describe("Path in the project, relative or absolute"),
      offset: z.int().min(1).optional().describe("First line to read, counted from 1; default 1"),
      limit: z.int().min(1).optional().describe(`Most lines to read; default ${READ_MAX_LINES}`),
    }),
  async run({ file_path, offset = 1, limit = READ_MAX_LINES }, { files }) {
    const { path, bytes, hash } = await files.read(files.resolve(file_path, "read"));
    if (isBinary(bytes)) {
      throw new ToolError(
        `Cannot read ${path.real}: it is a binary file (${count(bytes.length, "byte")}), not text`,
      );
    }
    const answer = (content: string): ToolOutput => ({ content, files: { [path.relative]: hash } });
    if (bytes.length === 0) return answer(`Warning: ${path.real} exists, but it is empty.`);
    const { text, exact } = decodeText(bytes);
    const lines = splitLines(text.startsWith(BOM) ? text.slice(1) : text);
    if (offset > lines.length) {
      return answer(
        `Warning: ${path.real} has only ${
          count(lines.length, "line")
        }; offset ${offset} is past its end.`,
      );
    }
    const numbered = lines.slice(offset - 1, offset - 1 + Math.min(limit, READ_MAX_LINES))
      .map((line, i) => `${offset + i}\t${clipLine(line, MAX_LINE_CHARS)}`);
    const shown = takeLines(numbered, { maxLines: READ_MAX_LINES, maxBytes: READ_MAX_BYTES });
    const notes = [];
    const last = offset + shown.length - 1;
    if (last < lines.length) {
      notes.push(
        `Lines ${offset} to ${last} of ${lines.length}. Read on with offset ${last + 1}.`,
      );
    }
    if (!exact) {
      notes.push("Some bytes are not valid UTF-8 and are shown as \uFFFD; Edit can't change it.");
    }
    return answer([shown.join("\n"), ...notes.map((note) => `[${note}]`)].join("\n"));
  },
});

/** Lines without their ends; a line end at the end of the file begins no further line. */
function splitLines(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r(?!\n)/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
