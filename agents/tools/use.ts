/** Uses a tool of the hands. What writes a file does it so that a crash can be told from the deed. */
import type { FileIntent } from "../protocol.ts";
import { hashOf, type PlaceFiles } from "./files.ts";
import type { HandsTool, Plan, ToolContext, ToolOutput } from "./tool.ts";

export interface HowToUse {
  /** Only works out what would be written; "diff": with the change that it would be. */
  plan?: true | "diff";
  /** What was to be written: a file that is so already was written in an earlier life. */
  intent?: FileIntent;
}

/** `input` is checked already. Throws `ToolError` to refuse. */
export async function useTool(
  tool: HandsTool,
  input: Record<string, unknown>,
  context: ToolContext,
  { plan, intent }: HowToUse = {},
): Promise<ToolOutput> {
  if ("run" in tool) return await tool.run(input, context);
  if (intent && await isDone(intent, context.files)) return doneBefore(intent);
  return await carryOut(await tool.plan(input, context), context.files, plan);
}

async function carryOut(
  { path, bytes, content, diff, unchanged, makesFile }: Plan,
  files: PlaceFiles,
  plan: HowToUse["plan"],
): Promise<ToolOutput> {
  const isWritten = !plan && !unchanged;
  const hash = isWritten ? await files.write(path, bytes) : await hashOf(bytes);
  return {
    content,
    files: { [path.relative]: hash },
    ...!unchanged && { changed: [path.relative] },
    ...(isWritten || plan === "diff") && !unchanged && { diff: await diff() },
    ...plan === "diff" && makesFile && { makesFile },
  };
}

async function isDone({ path, hash }: FileIntent, files: PlaceFiles): Promise<boolean> {
  const resolved = files.resolve(path, "write");
  const done = files.stat(resolved)?.isFile === true && (await files.read(resolved)).hash === hash;
  if (done) files.sync(resolved);
  return done;
}

const doneBefore = ({ path, hash, content }: FileIntent): ToolOutput => ({
  content,
  files: { [path]: hash },
  changed: [path],
});
