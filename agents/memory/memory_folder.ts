/**
 * A memory on the disk: one folder of markdown files, below a folder that is given. Never through a link: not on the
 * way there, not inside, and what else lies there is neither read nor touched. Calls are synchronous, so that nothing
 * of this process happens between a look and what follows from it.
 */
import {
  existsSync,
  readAllSync,
  removeIfThereSync,
  syncFolder,
  writeAllSync,
} from "../../server/disk.ts";
import { AppError } from "../../server/errors.ts";
import { folderOf, UNFINISHED_FILE } from "../paths.ts";
import { makeFolders, realFolder, requireFolder } from "../plain_folders.ts";
import { ToolError } from "../tools/tool.ts";
import { memoryLimits } from "./limits.ts";
import { isNotePath } from "./note_paths.ts";
import type { Notes, Step } from "./notes.ts";

/** Most entries of one folder that are looked at: a person may have put anything there. */
const MAX_ENTRIES = 1_000;
/** In words, for who meets something else in its place. */
const MEMORY = "the memory";

export class MemoryFolder {
  readonly #base: string;
  readonly #names: readonly string[];

  /**
   * `base` exists and may be reached by links; below it `names` lead to the memory, one folder each, and are made
   * when the first note is written.
   */
  constructor(base: string, names: readonly string[]) {
    this.#base = base;
    this.#names = names;
  }

  /** All notes. Throws `conflict` when a link or file is in the way. */
  read(): Notes {
    const notes = new Map<string, string>();
    const dir = this.#find();
    if (dir !== null) readInto(notes, dir, "");
    return new Map([...notes].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** On the disk when it returns. What a crash has left half done is finished by the same steps again. */
  apply(steps: readonly Step[]): void {
    for (const step of steps) {
      const dir = this.#make();
      if (step.type === "write") write(dir, step.path, step.text);
      else if (step.type === "remove") remove(dir, step.path);
      else if (existsSync(`${dir}/${step.from}`)) move(dir, step.from, step.to);
    }
  }

  /** Absolute real path; null: there is none yet. */
  #find(): string | null {
    let dir = realFolder(this.#base, MEMORY);
    for (const name of this.#names) {
      dir = `${dir}/${name}`;
      if (!existsSync(dir)) return null;
      requireFolder(dir, MEMORY);
    }
    return dir;
  }

  #make(): string {
    return makeFolders(realFolder(this.#base, MEMORY), this.#names, MEMORY);
  }
}

/** Names of the folders in a folder, in order; none where it is missing, or no plain folder. */
export function listFolders(base: string, names: readonly string[]): string[] {
  try {
    let dir = realFolder(base, MEMORY);
    for (const name of names) {
      dir = `${dir}/${name}`;
      requireFolder(dir, MEMORY);
    }
    return [...Deno.readDirSync(dir)].slice(0, MAX_ENTRIES)
      .filter(({ isDirectory }) => isDirectory).map(({ name }) => name).toSorted();
  } catch (error) {
    if (error instanceof AppError || error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function readInto(notes: Map<string, string>, dir: string, below: string): void {
  let seen = 0;
  for (const { name, isDirectory, isFile } of Deno.readDirSync(dir)) {
    if (++seen > MAX_ENTRIES) return;
    const path = below ? `${below}/${name}` : name;
    // Links are neither: a directory's entry tells of the link itself.
    if (isDirectory && /^[A-Za-z0-9]/.test(name) && path.split("/").length < memoryLimits.depth) {
      readInto(notes, `${dir}/${name}`, path);
    }
    if (isFile && isNotePath(path) && notes.size < memoryLimits.notes) {
      const text = readNote(`${dir}/${name}`);
      if (text !== null) notes.set(path, text);
    }
  }
}

/** Null: what is no plain text of its own, or far larger than a note may be. */
function readNote(path: string): string | null {
  const before = Deno.lstatSync(path);
  if (!isPlain(before)) return null;
  using file = Deno.openSync(path, { read: true });
  const info = file.statSync();
  // It was replaced between the two looks.
  if (!isPlain(info) || info.ino !== before.ino || Deno.realPathSync(path) !== path) return null;
  return new TextDecoder().decode(readAllSync(file, info.size));
}

/** A second name may belong to a file elsewhere. */
const isPlain = (info: Deno.FileInfo): boolean =>
  info.isFile && (info.nlink ?? 1) === 1 && info.size <= memoryLimits.totalBytes;

function write(dir: string, path: string, text: string): void {
  const target = `${dir}/${path}`;
  const folder = makeFolders(dir, namesTo(path), MEMORY);
  if (existsSync(target)) requireNote(target);
  const unfinished = `${folder}/${UNFINISHED_FILE}`;
  removeIfThereSync(unfinished);
  try {
    using file = Deno.openSync(unfinished, { write: true, createNew: true });
    if (Deno.realPathSync(unfinished) !== unfinished) throw replaced(path);
    writeAllSync(file, new TextEncoder().encode(text));
    file.syncDataSync();
    Deno.renameSync(unfinished, target);
  } catch (error) {
    removeIfThereSync(unfinished);
    throw error;
  }
  syncFolder(folder);
}

function remove(dir: string, path: string): void {
  const target = `${dir}/${path}`;
  if (!existsSync(target)) return;
  const folder = folderOf(target);
  if (Deno.realPathSync(folder) !== folder) throw replaced(path);
  requireNote(target);
  Deno.removeSync(target);
  removeEmpty(dir, folder);
}

function move(dir: string, from: string, to: string): void {
  const [source, target] = [`${dir}/${from}`, `${dir}/${to}`];
  const folder = makeFolders(dir, namesTo(to), MEMORY);
  requireNote(source);
  if (Deno.realPathSync(source) !== source) throw replaced(from);
  Deno.renameSync(source, target);
  syncFolder(folder);
  removeEmpty(dir, folderOf(source));
}

/** Of the folders on the way to a note. */
const namesTo = (path: string): string[] => path.split("/").slice(0, -1);

function removeEmpty(dir: string, folder: string): void {
  syncFolder(folder);
  for (let empty = folder; empty !== dir; empty = folderOf(empty)) {
    if (![...Deno.readDirSync(empty)].every(({ name }) => name === UNFINISHED_FILE)) return;
    Deno.removeSync(empty, { recursive: true });
    syncFolder(folderOf(empty));
  }
}

function requireNote(path: string): void {
  if (isPlain(Deno.lstatSync(path))) return;
  throw new ToolError(`Cannot change "${path}": it is a link, no regular file, or far too large`);
}

const replaced = (path: string): ToolError =>
  new ToolError(`Cannot change ${path}: its folder was replaced while it was being changed`);
