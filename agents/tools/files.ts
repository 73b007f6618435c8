/**
 * The files of one place, as the tools see them. Every access works out real paths first, refuses what
 * lies outside or is not a plain file, and looks again once the file is open. Calls are synchronous on
 * purpose: nothing else of this process happens between a check and what it guards.
 */
import {
  existsSync,
  readAllSync,
  removeIfThereSync,
  syncFolder,
  writeAllSync,
} from "../../server/disk.ts";
import { denied, type PathScope, type PathUse, type ResolvedPath, resolvePath } from "../policy.ts";
import { baseName, folderOf, isInside, UNFINISHED_FILE } from "../paths.ts";
import { ToolError } from "./tool.ts";
import { workIn } from "./work_in.ts";

/** Larger files are neither read nor written whole. */
export const MAX_FILE_BYTES = 10 * 1024 * 1024;

export interface FileContent {
  path: ResolvedPath;
  bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the bytes, in hexadecimal. */
  hash: string;
}

export interface PlaceFilesOptions extends PathScope {
  access: "read" | "write";
  /** For tests: called between a check and the use that it guards. */
  afterCheck?: () => void;
  /** For tests whose process has others in it, which must not be moved along; by default the real one. */
  workIn?: typeof workIn;
}

export class PlaceFiles {
  readonly #options: PlaceFilesOptions;

  constructor(options: PlaceFilesOptions) {
    this.#options = options;
  }

  get dir(): string {
    return this.#options.dir;
  }

  /** Throws `ToolError` when the path may not be used so. */
  resolve(path: string, use: PathUse): ResolvedPath {
    if (use === "write" && this.#options.access === "read") {
      throw denied(use, path, "this agent may only read the project");
    }
    return resolvePath(this.#options, path, use);
  }

  /** Whether a walk may show or enter what is at `path`, relative to the place. */
  isVisible(path: string, kind: "file" | "folder"): boolean {
    const { dir, hidden, rules } = this.#options;
    if (hidden.includes(`${dir}/${path}`) || rules.blocked(path)) return false;
    return kind === "folder" || !rules.notAllowed(path);
  }

  /** What is at the path; null when there is nothing. */
  stat(path: ResolvedPath): Deno.FileInfo | null {
    try {
      return Deno.lstatSync(path.real);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  /** A whole file with its hash. Throws `ToolError` when there is no plain file or it is too large. */
  async read(path: ResolvedPath): Promise<FileContent> {
    const bytes = this.readBytes(path);
    return { path, bytes, hash: await hashOf(bytes) };
  }

  /** As `read`, without the hash. */
  readBytes(path: ResolvedPath): Uint8Array<ArrayBuffer> {
    const found = this.stat(path);
    if (!found) throw new ToolError(`Cannot read ${path.real}: there is no such file`);
    if (found.isDirectory) {
      throw new ToolError(`Cannot read ${path.real}: it is a folder. Use Glob to list its files`);
    }
    requirePlain(found, "read", path);
    this.#options.afterCheck?.();
    using file = Deno.openSync(path.real, { read: true });
    const info = file.statSync();
    requirePlain(info, "read", path);
    const same = info.ino === found.ino && info.dev === found.dev;
    if (!same || Deno.realPathSync(path.real) !== path.real) {
      throw denied("read", path.relative, "it was replaced while it was being opened");
    }
    if (info.size > MAX_FILE_BYTES) {
      throw new ToolError(
        `Cannot read ${path.real}: it has ${info.size} bytes, more than the ${MAX_FILE_BYTES} that ` +
          "can be read. Use Grep to find the lines you need",
      );
    }
    return readAllSync(file, info.size);
  }

  /**
   * Replaces or makes a file in one step; makes missing folders and keeps an existing file's mode. On the disk,
   * its name too, when it returns.
   */
  async write(path: ResolvedPath, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    if (bytes.length > MAX_FILE_BYTES) {
      throw new ToolError(
        `Cannot write ${path.real}: ${bytes.length} bytes are more than the ${MAX_FILE_BYTES} allowed`,
      );
    }
    const hash = await hashOf(bytes);
    const old = this.stat(path);
    if (old?.isDirectory) throw new ToolError(`Cannot write ${path.real}: it is a folder`);
    if (old) requirePlain(old, "write", path);
    const folder = folderOf(path.real);
    const toSync = foldersToSync(folder);
    const replaced = () =>
      denied("write", path.relative, "its folder was replaced while it was being written");
    this.#options.afterCheck?.();
    const inFolder = this.#options.workIn ?? workIn;
    inFolder({ root: this.dir, folder, replaced }, (at, stillThere) => {
      const unfinished = at(UNFINISHED_FILE);
      this.#options.afterCheck?.();
      removeIfThereSync(unfinished);
      try {
        fill(unfinished, bytes, old?.mode ?? null);
        stillThere();
        Deno.renameSync(unfinished, at(baseName(path.real)));
      } catch (error) {
        removeIfThereSync(unfinished);
        throw error;
      }
    });
    toSync.forEach(syncFolder);
    return hash;
  }

  /** Makes a file that an earlier life wrote as durable as `write` does: that life may have ended before. */
  sync(path: ResolvedPath): void {
    const { dir } = this.#options;
    for (let folder = folderOf(path.real); isInside(dir, folder); folder = folderOf(folder)) {
      syncFolder(folder);
      if (folder === dir) return;
    }
  }
}

/** SHA-256 in hexadecimal. */
export async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A pipe or device could hang or do harm; a second name may belong to a file outside of the place. */
function requirePlain(info: Deno.FileInfo, use: PathUse, path: ResolvedPath): void {
  const name = path.relative || baseName(path.real);
  if (!info.isFile) throw denied(use, name, "it is not a regular file");
  if ((info.nlink ?? 1) > 1) {
    throw denied(use, name, "it is a hard link, so it may belong to something outside the project");
  }
}

/** Writes a new file through to the disk, so that the rename never reveals a half of it. */
function fill(name: string, bytes: Uint8Array, mode: number | null): void {
  using file = Deno.openSync(name, { write: true, createNew: true });
  writeAllSync(file, bytes);
  file.syncDataSync();
  if (mode !== null) Deno.chmodSync(name, mode & 0o777);
}

/** The folder of a new name, and where it is still to be made, the folders that get a new name with it. */
function foldersToSync(folder: string): string[] {
  const folders = [folder];
  while (!existsSync(folders.at(-1)!)) folders.push(folderOf(folders.at(-1)!));
  return folders;
}
