/** The folder of a new project: where it may be, and how it gets there. */
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { refuseDataFolder } from "../../agents/inspect/usable_repository.ts";
import { syncFolder } from "../disk.ts";
import { AppError } from "../errors.ts";

/** Longest name of a folder, in characters. */
const NAME_CHARS = 100;

/** `state` completes "Cannot make the project in …: …"; `mend` is a sentence of its own. */
function refusal(code: "invalid" | "conflict", path: string, state: string, mend: string) {
  const message = `Cannot make the project in "${path}": ${state}. ${mend}`;
  return new AppError(code, message, [{ field: "path", message }]);
}

/**
 * The real path of a folder that a person typed and that need not be there; "~" is the home folder. Throws `invalid` for
 * the field "path" where no project may be made.
 */
export async function targetFolder(given: string, dataDir: string): Promise<string> {
  const home = Deno.env.get("HOME");
  const text = given.trim();
  const full = home && /^~(\/|$)/.test(text) ? join(home, text.slice(1)) : text;
  if (!isAbsolute(full) || full.includes("\0")) {
    const mend = 'Give the path from the root on, like "/home/me/project"';
    throw refusal("invalid", text.slice(0, 300), "it is not a full path", mend);
  }
  const path = normalize(full).replace(/(?<=.)\/+$/, "");
  const name = basename(path);
  if (name === "" || name.startsWith(".") || name.length > NAME_CHARS || /\p{Cc}/u.test(name)) {
    const mend = `Give a folder with a name of 1 to ${NAME_CHARS} characters, without a dot first`;
    throw refusal("invalid", path, "no project can have that folder", mend);
  }
  const parent = await parentOf(path);
  const real = join(parent, name);
  await refuseDataFolder(real, dataDir);
  return real;
}

async function parentOf(path: string): Promise<string> {
  const parent = dirname(path);
  try {
    const real = await Deno.realPath(parent);
    if ((await Deno.stat(real)).isDirectory) return real;
    throw refusal("invalid", path, `"${parent}" is a file`, "Give a folder");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      const state = `the folder around it, "${parent}", is not there`;
      throw refusal("invalid", path, state, "Make that first, or check the path");
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      const mend = "Give the user that runs Gaffer the right to read it";
      throw refusal("invalid", path, `Gaffer may not look into "${parent}"`, mend);
    }
    throw error;
  }
}

/** Throws `conflict` for the field "path" where there is something already. */
export async function isEmptyOrMissing(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (!info.isDirectory) {
    const state = info.isSymlink ? "there is a link of that name" : "there is a file of that name";
    throw refusal("conflict", path, state, "Choose another folder");
  }
  for await (const { name } of Deno.readDir(path)) {
    throw notEmpty(path, name);
  }
}

function notEmpty(path: string, name?: string): AppError {
  const state = name === undefined ? "it is not empty" : `it is not empty ("${name}" is there)`;
  const mend = "Choose a new folder; or add this one as it is, under Projects";
  return refusal("conflict", path, state, mend);
}

/** A folder beside where the project is to be, so that one rename puts it there. */
export const makingFolder = (path: string, unique: string): string =>
  join(dirname(path), `.gaffer-new-${unique}-${basename(path).slice(0, NAME_CHARS)}`);

/** Renames the folder; an empty one of that name gives way. Throws `conflict` where there is something else. */
export function putInPlace(folder: string, path: string): void {
  try {
    Deno.renameSync(folder, path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR") throw notEmpty(path);
    throw error;
  }
  // A power cut must not take a name back that the database knows.
  syncFolder(dirname(path));
}
