/**
 * The steps of putting one changed file into the person's folder (`file_landing.ts`): what is to be is written beside
 * git's own files, git's locks are taken, and a few renames follow.
 */
import { join } from "node:path";
import { removeIfThereSync, writeAllSync } from "../../server/disk.ts";
import { folderOf } from "../paths.ts";
import { withContent } from "./index_file.ts";
import { isOfSystem, objectId } from "./loose_objects.ts";
import { plainTextSync } from "./presence.ts";

/** Larger ones are git's: to read them takes longer than a process. */
const INDEX_BYTES = 8 * 1024 * 1024;
const FILE_BYTES = 8 * 1024 * 1024;

/** What is to happen; the content lies beside it. */
export interface Note {
  branch: string;
  /** Commit that the branch must have, and the one that it gets. */
  tip: string;
  commit: string;
  /** The file, which must be there, from the repository's root. */
  path: string;
  /** Object ids of the content that it must have, and of the one that it gets. */
  before: string;
  after: string;
  /** For git's own log of the branch: name, address and time as in a commit. */
  who: string;
  /** Process that wrote it. */
  pid: number;
}

/** For tests: called before each step, and ends the landing by what it throws, as a crash would. */
export type Cut = (step: string) => void;

/** Where a landing keeps what it needs; `note` is the `Note`. */
export const folderIn = (repo: string): string => join(repo, ".git", "gaffer-save");

const underWay = new Set<string>();

/** Whether this process has one under way, by its folder. */
export const isUnderWay = (folder: string): boolean => underWay.has(folder);

/** One landing. Whoever has begun or resumed it calls `end`. */
export class Landing {
  readonly #gitDir: string;
  readonly #folder: string;
  readonly #root: string;
  readonly #file: string;
  readonly #ref: string;
  /** State of the index that the new one was made of. */
  #indexState = "";
  /** Something has changed for others to see: what is left of it must be found again. */
  #hasBegun = false;
  #isDone = false;

  constructor(repo: string, readonly note: Note, readonly cut: Cut = () => {}) {
    this.#gitDir = join(repo, ".git");
    this.#folder = folderIn(repo);
    this.#root = Deno.realPathSync(repo);
    this.#file = join(this.#root, note.path);
    this.#ref = join(this.#gitDir, "refs", "heads", note.branch);
  }

  /** The new index; null: git must do it. */
  changedIndex(): Uint8Array<ArrayBuffer> | null {
    const { path, before, after } = this.note;
    const info = lookAt(this.#index);
    if (info === null || info.size > INDEX_BYTES) return null;
    this.#indexState = stateOf(info);
    const seconds = Math.floor((info.mtime?.getTime() ?? 0) / 1000);
    const bytes = Deno.readFileSync(this.#index);
    return withContent(bytes, { path, from: [before, after], to: after }, seconds);
  }

  /** The branch is where it was, with a log, and the file has the old content or has the new one already. */
  isReady(): boolean {
    const { branch, tip, before, after } = this.note;
    return plainTextSync(join(this.#gitDir, "HEAD")) === `ref: refs/heads/${branch}\n` &&
      plainTextSync(this.#ref) === `${tip}\n` &&
      this.#logs.every((log) => lookAt(log)?.isFile) &&
      [before, after].includes(this.#present() ?? "");
  }

  /** False: there is another one, or what one left, or the system does not let it. */
  begin(): boolean {
    try {
      Deno.mkdirSync(this.#folder);
    } catch (error) {
      if (isOfSystem(error)) return false;
      throw error;
    }
    underWay.add(this.#folder);
    return true;
  }

  /** Takes over what was cut off. Where that fails, too, it waits for the next look. */
  resume(): void {
    underWay.add(this.#folder);
    this.#hasBegun = true;
    this.#unlock();
  }

  /** All of it is on the disk when it returns. */
  async write(files: Record<string, Uint8Array | string>): Promise<void> {
    const opened: Deno.FsFile[] = [];
    try {
      for (const [name, content] of Object.entries(files)) {
        this.cut(`write ${name}`);
        // The one of a landing that was cut off may be git's own index by now.
        removeIfThereSync(this.#own(name));
        const file = Deno.openSync(this.#own(name), { write: true, createNew: true });
        opened.push(file);
        writeAllSync(
          file,
          typeof content === "string" ? new TextEncoder().encode(content) : content,
        );
      }
      if (Deno.build.os !== "windows") {
        opened.push(Deno.openSync(this.#folder), Deno.openSync(this.#gitDir));
      }
      await Promise.all(opened.map((file) => file.sync()));
    } finally {
      for (const file of opened) file.close();
    }
  }

  /** False: somebody else is at work, or was, or the system does not let it; nothing has changed. */
  move(): boolean {
    const { commit, tip, who, before } = this.note;
    if (!this.#lock() || !this.#isSound()) return false;
    try {
      for (const log of this.#logs) {
        // A line too many, after a crash, harms nothing.
        this.cut("log");
        const line = `${tip} ${commit} ${who}\tgaffer: save\n`;
        Deno.writeTextFileSync(log, line, { append: true, create: false });
      }
      this.cut("file");
      if (this.#present() === before) Deno.renameSync(this.#own("content"), this.#file);
    } catch (error) {
      if (isOfSystem(error)) return false;
      throw error;
    }
    this.#hasBegun = true;
    this.cut("index");
    Deno.renameSync(`${this.#index}.lock`, this.#index);
    this.cut("branch");
    Deno.renameSync(`${this.#ref}.lock`, this.#ref);
    this.#isDone = true;
    this.cut("end");
    return true;
  }

  /** Nothing is left to do, or others went on. */
  giveUp(): void {
    this.#isDone = true;
  }

  /** Leaves nothing behind; of one that could not be done to its end, what `finishLanding` needs. */
  end(): void {
    underWay.delete(this.#folder);
    this.#unlock();
    if (!this.#hasBegun || this.#isDone) removeIfThereSync(this.#folder, { recursive: true });
  }

  get #index(): string {
    return join(this.#gitDir, "index");
  }

  get #logs(): string[] {
    const logs = join(this.#gitDir, "logs");
    return [join(logs, "HEAD"), join(logs, "refs", "heads", this.note.branch)];
  }

  #own(name: string): string {
    return join(this.#folder, name);
  }

  /** Git's locks, each a second name of a file of ours, by which they are told from those of others. */
  get #locks(): [name: string, lock: string][] {
    return [
      ["index", `${this.#index}.lock`],
      ["note", join(this.#gitDir, "HEAD.lock")],
      ["branch", `${this.#ref}.lock`],
    ];
  }

  #lock(): boolean {
    for (const [name, lock] of this.#locks) {
      this.cut(`lock ${name}`);
      try {
        Deno.linkSync(this.#own(name), lock);
      } catch (error) {
        // Another git command, or a disk without second names.
        if (isOfSystem(error)) return false;
        throw error;
      }
    }
    return true;
  }

  #unlock(): void {
    for (const [name, lock] of this.#locks) {
      const [own, there] = [lookAt(this.#own(name)), lookAt(lock)];
      if (!own?.ino || own.ino !== there?.ino || own.dev !== there.dev) continue;
      removeIfThereSync(lock);
    }
  }

  /** With the locks held: nothing has changed since the look, and what was written is whole. */
  #isSound(): boolean {
    const { commit, before, after } = this.note;
    const info = lookAt(this.#index);
    return info !== null && stateOf(info) === this.#indexState && this.isReady() &&
      plainTextSync(this.#own("branch")) === `${commit}\n` &&
      (this.#present() !== before || this.#idOf(this.#own("content")) === after);
  }

  /** Object id of the file's content; null: it is no plain file in plain folders. */
  #present(): string | null {
    const folder = folderOf(this.#file);
    try {
      if (Deno.realPathSync(folder) !== folder) return null;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
    return this.#idOf(this.#file);
  }

  #idOf(path: string): string | null {
    const info = lookAt(path);
    if (!info?.isFile || (info.nlink ?? 1) > 1 || info.size > FILE_BYTES) return null;
    return objectId("blob", Deno.readFileSync(path), this.note.tip.length);
  }
}

/** Null: there is nothing. */
export function lookAt(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

const stateOf = ({ ino, size, mtime, ctime }: Deno.FileInfo): string =>
  `${ino} ${size} ${mtime?.getTime()} ${ctime?.getTime()}`;
