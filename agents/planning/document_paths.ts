/** Paths of documents: what may be one, seen from the project's `planning/` folder. */
import { AppError } from "../../server/errors.ts";

/** The one folder of a project that documents live in. */
export const PLANNING = "planning";
/** Longest path of a document, in characters. */
export const DOCUMENT_PATH_CHARS = 200;
/** Most folders and the name, one below the other. */
export const DOCUMENT_DEPTH = 8;
/** Largest document, in bytes. */
export const DOCUMENT_BYTES = 512 * 1024;
/** Most documents of a project that are looked at. */
export const DOCUMENTS_MAX = 10_000;
/** Folder of a project's own templates; they are no documents. */
export const TEMPLATES = "templates";
/** Most of them that are offered. */
export const TEMPLATES_MAX = 100;

/** Letters of any script, digits and what is usual between them; never a dot first, never a space at an end. */
const NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N} _.,+()&'!@-]*[\p{L}\p{M}\p{N}_)+!'-])?$/u;
/** What other systems take for a device, whatever its ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

const isName = (name: string): boolean => NAME.test(name) && !DEVICE.test(name);

/** Whether a folder of that name may hold documents. */
export const isFolderName = (name: string): boolean => isName(name);

/** Whether a file of that path is a document. Upper and lower case of the ending count alike. */
export const isDocumentPath = (path: string): boolean => whyNot(path) === null;

/** Most files that are named as no documents. */
export const LEFT_OUT_MAX = 20;

/** Whether somebody may have meant a file for a document that can be none; a dot before a name says that it is not. */
export const isMeantForOne = (path: string): boolean =>
  /\.md$/i.test(path) && path.split("/").every((name) => !name.startsWith(".")) &&
  !path.toLowerCase().startsWith(`${TEMPLATES}/`);

/**
 * A person's path of a document: slashes around it and a `planning/` before it are dropped, `.md` is added where it
 * is missing. Throws `invalid` for what could lead out of the folder, or what some system could not store.
 */
export function documentPath(given: string): string {
  const inside = given.trim().normalize("NFC").replace(/^\/?planning\//, "").replace(/\/+$/, "");
  const path = inside === "" || /\.md$/i.test(inside) ? inside : `${inside}.md`;
  const why = whyNot(path);
  if (why === null) return path;
  throw new AppError("invalid", `Cannot use the path "${given.slice(0, 200)}": ${why}`, [
    { field: "path", message: why },
  ]);
}

function whyNot(path: string): string | null {
  if (path === "") return "Write a path, such as specs/saving.md";
  if (path.length > DOCUMENT_PATH_CHARS) {
    return `It is longer than ${DOCUMENT_PATH_CHARS} characters`;
  }
  if (path.startsWith("/")) {
    return "Documents lie in the folder planning/: write the path from there";
  }
  const names = path.split("/");
  if (names.length > DOCUMENT_DEPTH) {
    return `Documents lie at most ${DOCUMENT_DEPTH - 1} folders deep`;
  }
  if (names[0]!.toLowerCase() === TEMPLATES && names.length > 1) {
    return "The folder templates/ holds what new documents begin with";
  }
  const bad = names.find((name) => !isName(name));
  if (bad !== undefined) {
    return `"${bad}" is no name of a file here: use letters, digits, spaces, and - _ . between them`;
  }
  return /\.md$/i.test(path) ? null : "A document is a markdown file: its name ends in .md";
}
