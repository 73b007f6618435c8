/** JUnit files that a test command wrote into its worktree: found and read without being led out of it. */
import { constants, promises } from "node:fs";
import { join } from "node:path";
import type { CheckReport } from "../../server/records.ts";
import { relativePath } from "../paths.ts";
import { parseJUnit } from "./junit.ts";
import { mergeReports } from "./mod.ts";
import { report } from "./report.ts";

/** Most files that are read, most bytes of one and of all: what they hold, agents wrote. */
export const REPORT_FILES = 200;
export const REPORT_FILE_BYTES = 4 * 1024 * 1024;
export const REPORT_BYTES = 8 * 1024 * 1024;
/** Most names that are looked at, and how deep folders may stand in each other. */
const NAMES_MAX = 50_000;
const DEPTH_MAX = 20;

/** Files by their path in the worktree, with what tells one from what was there before. */
export type SeenFiles = ReadonlyMap<string, string>;

/** The files that the globs name; links are not followed, and `.git` and `node_modules` not looked into. */
export async function findReportFiles(root: string, globs: readonly string[]): Promise<SeenFiles> {
  const found = new Map<string, string>();
  if (globs.length === 0) return found;
  // Not the entry "picomatch": see policy.ts.
  const { default: picomatch } = await import("picomatch/posix.js");
  const matches = picomatch([...globs], { dot: true });
  const bases = [...new Set(globs.map((glob) => picomatch.scan(glob).base.replace(/\/+$/, "")))];
  let names = 0;
  const walk = async (dir: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) return;
    for (const { name, isFile, isDirectory } of await entriesOf(dir)) {
      if (names++ > NAMES_MAX || found.size >= REPORT_FILES) return;
      const path = join(dir, name);
      if (isDirectory && !leftOut.has(name)) await walk(path, depth + 1);
      else if (isFile && matches(relativePath(root, path))) {
        const { mtime, ino, size } = await Deno.lstat(path);
        found.set(relativePath(root, path), `${mtime?.getTime()} ${ino} ${size}`);
      }
    }
  };
  for (const base of bases.filter((base) => !bases.some((other) => isBelow(other, base)))) {
    const dir = join(root, base);
    const info = await Deno.lstat(dir).catch(unlessGone);
    // A glob may be a plain name.
    const folder = info?.isFile ? join(dir, "..") : dir;
    if (info && !info.isSymlink && await isItself(folder)) {
      await walk(folder, info.isFile ? DEPTH_MAX : 0);
    }
  }
  return found;
}

const leftOut = new Set([".git", "node_modules"]);
const isBelow = (outer: string, path: string) =>
  outer !== path && (outer === "" || path.startsWith(`${outer}/`));

/**
 * One report of all the files that are new, or changed, since `before`; null where there is none. A file that is too
 * large, or no JUnit report, is told as a failure only where others are read: the exit code decides in any case.
 */
export async function readReportFiles(
  root: string,
  globs: readonly string[],
  before: SeenFiles,
  clean: (text: string) => string = (text) => text,
): Promise<CheckReport | null> {
  const files = [...await findReportFiles(root, globs)]
    .filter(([path, seen]) => before.get(path) !== seen);
  const reports: CheckReport[] = [];
  let left = REPORT_BYTES;
  for (const [path] of files.toSorted(([one], [other]) => one < other ? -1 : 1)) {
    const text = await readInside(root, path, Math.min(left, REPORT_FILE_BYTES));
    if (text === null) continue;
    left -= text.length;
    const parsed = parseJUnit(text, { root });
    if (parsed) reports.push(parsed);
    if (left <= 0) break;
  }
  return reports.length === 0 ? null : cleanReport(mergeReports(reports), clean);
}

/** What stood in the file with signs in another spelling is plain again by now. */
const cleanReport = (report: CheckReport, clean: (text: string) => string): CheckReport => ({
  ...report,
  failures: report.failures.map(({ message, ...failure }) => ({
    ...failure,
    ...failure.file && { file: clean(failure.file) },
    ...failure.test && { test: clean(failure.test) },
    message: clean(message),
  })),
});

/** The beginning of a plain file that can be reached without a link; null: it is none any more. */
async function readInside(root: string, path: string, maxBytes: number): Promise<string | null> {
  const full = join(root, path);
  if (!await isItself(join(full, ".."))) return null;
  // A pipe that took its place must not be waited for.
  const how = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await promises.open(full, how).catch(unlessGone);
  if (file === null) return null;
  try {
    const info = await file.stat();
    if (!info.isFile()) return null;
    const bytes = new Uint8Array(Math.min(info.size, maxBytes));
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return new TextDecoder().decode(bytes.subarray(0, at));
  } finally {
    await file.close();
  }
}

/** No part of the path is a link. */
const isItself = async (dir: string): Promise<boolean> =>
  await Deno.realPath(dir).catch(unlessGone) === dir;

async function entriesOf(dir: string): Promise<Deno.DirEntry[]> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(dir)) {
      entries.push(entry);
      if (entries.length > NAMES_MAX) break;
    }
  } catch (error) {
    unlessGone(error);
  }
  return entries.toSorted((one, other) => one.name < other.name ? -1 : 1);
}

function unlessGone(error: unknown): null {
  const { code } = error as { code?: string };
  const gone = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
  if (gone || code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR") return null;
  throw error;
}

/**
 * What files and output say together. The files' counts win, since an output tells the same tests once more; errors of
 * a compiler stand in the output alone. A report of a command that failed never says that all passed.
 */
export function withReportFiles(
  printed: CheckReport | null,
  files: CheckReport | null,
  { exitCode }: { exitCode: number | null },
): CheckReport | null {
  if (files === null) return printed;
  const format = printed ? `${files.format} + ${printed.format}` : files.format;
  if (files.failed === 0 && printed && printed.failed > 0) {
    return report(format, { ...files, failed: printed.failed }, printed.failures);
  }
  const others = (printed?.failures ?? []).filter(({ test, file }) => !test && file);
  const failures = [...files.failures, ...others];
  if (failures.length > 0 || exitCode === 0) {
    return report(files.format, { ...files, failed: files.failed + others.length }, failures);
  }
  const how = exitCode === null ? "was ended before it was done" : `failed with code ${exitCode}`;
  const message = `The command ${how}, though no test is reported as failed`;
  return report(files.format, { ...files, failed: 1 }, [{ message }]);
}
