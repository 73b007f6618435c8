/** Paths in a memory: what may be one, and how a model names it. */
import { ToolError } from "../tools/tool.ts";
import { memoryLimits } from "./limits.ts";

/** How a memory is called in the tool, as models know it. */
export const ROOT = "/memories";

/** Letters, digits and what does not begin a name: no dot files, nothing that a system reads in its own way. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Whether a file of that path is a note. */
export const isNotePath = (path: string): boolean =>
  path.length <= memoryLimits.pathChars && path.endsWith(".md") &&
  path.split("/").length <= memoryLimits.depth && path.split("/").every((name) => NAME.test(name));

/** A note's path, given with or without the memory's own name. Throws `ToolError`. */
export function notePath(given: string): string {
  const path = anyPath(given);
  if (!path.endsWith(".md")) {
    throw badPath(given, "a note is a markdown file: its name ends in .md");
  }
  return path;
}

/** The same for a folder or note; "" is the memory itself. */
export function anyPath(given: string): string {
  const inside = given.replace(/^\/memories(?=\/|$)\/?/, "").replace(/\/$/, "");
  if (inside === "") return "";
  if (inside.startsWith("/")) throw badPath(given, `notes lie in ${ROOT}`);
  if (inside.length > memoryLimits.pathChars) {
    throw badPath(given, `it is longer than ${memoryLimits.pathChars} characters`);
  }
  const names = inside.split("/");
  if (names.length > memoryLimits.depth) {
    throw badPath(given, `notes lie at most ${memoryLimits.depth - 1} folders deep`);
  }
  if (!names.every((name) => NAME.test(name))) {
    throw badPath(given, "names have letters, digits, dots, hyphens and underscores only");
  }
  return inside;
}

/** As the model knows it. */
export const shown = (path: string): string => path === "" ? ROOT : `${ROOT}/${path}`;

const badPath = (path: string, why: string): ToolError =>
  new ToolError(`Cannot use the path ${JSON.stringify(path.slice(0, 200))}: ${why}`);
