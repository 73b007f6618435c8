import { isInside, relativePath } from "../paths.ts";
import { globMatcher, type ResolvedPath } from "../policy.ts";
import { MAX_WALK_FILES, walk } from "./walk.ts";
import { count } from "./text.ts";
import { defineTool, ToolError } from "./tool.ts";

export const GLOB_MAX_RESULTS = 200;

export const globTool = defineTool({
  name: "Glob",
  description:
    "Lists files of the project whose path matches a pattern, those changed last first: " +
    '"**/*.ts", "src/**/test_*.py", "*.{json,yaml}". A pattern without "/" matches in the folder itself ' +
    `only. Leaves out .git, node_modules and ignored files. At most ${GLOB_MAX_RESULTS} results. To ` +
    "search in what files contain use Grep.",
  readOnly: true,
  tags: ["private"],
  whenCutOff: "again",
  input: (z) =>
    z.strictObject({
      pattern: z.string().min(1).max(1_000).describe('Pattern such as "src/**/*.ts"'),
      path: z.string().min(1).optional().describe(
        "Folder the pattern is relative to; default: the project",
      ),
    }),
  async run({ pattern, path = "." }, { files, signal }) {
    const start = files.resolve(path, "search");
    const wanted = relativePattern(pattern, start);
    const matches = await globMatcher([wanted]);
    const found: { path: string; changedMs: number }[] = [];
    let seen = 0;
    for await (
      const batch of walk(files, files.resolve(fixedPart(start, wanted), "search"), signal)
    ) {
      seen += batch.length;
      for (const file of batch) {
        if (!matches(relativePath(start.real, file.real))) continue;
        const changedMs = files.stat(file)?.mtime?.getTime();
        if (changedMs !== undefined) found.push({ path: file.real, changedMs });
      }
    }
    found.sort((a, b) => b.changedMs - a.changedMs || (a.path < b.path ? -1 : 1));
    if (found.length === 0) return { content: `No files match ${pattern} in ${start.real}.` };
    const lines = found.slice(0, GLOB_MAX_RESULTS).map((file) => file.path);
    if (found.length > lines.length) {
      lines.push(
        `[${count(found.length, "file")} match; these are the ${lines.length} changed last. ` +
          "Use a narrower pattern or path for the others.]",
      );
    }
    if (seen >= MAX_WALK_FILES) {
      lines.push(`[Only the first ${MAX_WALK_FILES} files were looked at: give a path.]`);
    }
    return { content: lines.join("\n") };
  },
});

/** Models like absolute patterns; one inside the folder means the same as the relative one. */
function relativePattern(pattern: string, start: ResolvedPath): string {
  const wanted = pattern.startsWith("/") && isInside(start.real, pattern)
    ? relativePath(start.real, pattern)
    : pattern.replace(/^(\.\/)+/, "");
  if (wanted.startsWith("/") || wanted.split("/").includes("..")) {
    throw new ToolError(
      `Cannot list ${
        JSON.stringify(pattern)
      }: a pattern is relative to the folder ${start.real} and ` +
        "can't leave it",
    );
  }
  return wanted;
}

/** The folder that every match lies in: the walk need not begin above it. */
function fixedPart(start: ResolvedPath, pattern: string): string {
  const folders = pattern.split("/").slice(0, -1);
  const firstMagic = folders.findIndex((part) => /[*?[\](){}!+@\\]/.test(part));
  return [start.real, ...(firstMagic < 0 ? folders : folders.slice(0, firstMagic))].join("/");
}
