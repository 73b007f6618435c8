import { unifiedDiff } from "./diff.ts";
import { requireKnown } from "./edit.ts";
import { hashOf } from "./files.ts";
import { count, decodeText, isBinary } from "./text.ts";
import { defineTool } from "./tool.ts";

export const writeTool = defineTool({
  name: "Write",
  description:
    "Makes a file of the project, or replaces one with new content; missing folders are made. A file " +
    "that exists must have been read before, and not changed since. To change a part of a file use Edit: " +
    "it is shorter, and keeps what you have not seen.",
  readOnly: false,
  whenCutOff: "settle",
  input: (z) =>
    z.strictObject({
      file_path: z.string().min(1).describe("Path in the project, relative or absolute"),
      content: z.string().describe("The whole content of the file"),
    }),
  async plan({ file_path, content }, { files, known }) {
    const path = files.resolve(file_path, "write");
    const bytes = new TextEncoder().encode(content);
    const old = files.stat(path)?.isDirectory === false ? await files.read(path) : null;
    if (old) requireKnown(old, known, "write");
    if (old?.hash === await hashOf(bytes)) {
      const same = `${path.real} has exactly this content already.`;
      return { path, bytes, content: same, diff: noDiff, unchanged: true };
    }
    const before = old && !isBinary(old.bytes) ? decodeText(old.bytes).text : null;
    const lines = content.split("\n").length - (content.endsWith("\n") || content === "" ? 1 : 0);
    return {
      path,
      bytes,
      content: `${old ? "Replaced" : "Made"} ${path.real} (${count(lines, "line")}).`,
      makesFile: old === null,
      diff: old && before === null ? noDiff : () => unifiedDiff(path.relative, before, content),
    };
  },
});

const noDiff = () => Promise.resolve(undefined);
