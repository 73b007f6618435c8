/**
 * The steps of putting one changed file into the person's folder (`file_landing.ts`): what is to be is written beside
 * git's own files, git's locks are taken, and a few renames follow.
 */
import { join } from "node:path";
import { removeIfThereSync, writeAllSync } from "../../server/disk.ts";
import { folderOf } from "../paths.ts";
import { type ChangedIndex, withContent, withStat } from "./index_file.ts";
import { type Cut, GitLocks } from "./landing_locks.ts";
import { LogLines } from "./landing_logs.ts";
import { isOfSystem, objectId } from "./loose_objects.ts";
import { lookAtSync, plainTextSync } from "./presence.ts";

/** Larger ones are git's: to read them takes longer than a process. */
const INDEX_BYTES = 8 * 1024 * 1024;
const FILE_BYTES = 8 * 1024 * 1024;
/** Most that is read of files whose state the index does not tell for sure. */
const RACY_BYTES = 4 * 1024 * 1024;

/** In `.git` while the folder is in the middle of something: nothing lands then. */
const MIDDLES = [
  ...["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"],
  ...["rebase-merge", "rebase-apply", "sequencer"],
];

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
  /** Process that wrote it, and its machine. */
  pid: number;
  host: string;
}

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
  readonly #locks: GitLocks;
  /** State of the index that the new one was made of. */
  #indexState = "";
  #changed: ChangedIndex | null = null;
  /** Before all files were looked at, by the disk's own clock: the new index is as old as this. */
  #since = new Date(0);
  #isResumed = false;
  /** Something has changed for others to see: what is left of it must be found again. */
  #hasBegun = false;
  #isDone = false;

  constructor(repo: string, readonly note: Note, readonly cut: Cut = () => {}) {
    this.#gitDir = join(repo, ".git");
    this.#folder = folderIn(repo);
    this.#root = Deno.realPathSync(repo);
    this.#file = join(this.#root, note.path);
    this.#ref = join(this.#gitDir, "refs", "heads", note.branch);
    this.#locks = new GitLocks([
      [this.#own("index"), this.#index],
      [this.#own("note"), join(this.#gitDir, "HEAD")],
      [this.#own("branch"), this.#ref],
    ]);
  }

  /** The new index, after `begin` or `resume`; null: git must do it. */
  changedIndex(): Uint8Array<ArrayBuffer> | null {
    try {
      return this.#changedIndex();
    } catch (error) {
      if (isOfSystem(error)) return null;
      throw error;
    }
  }

  #changedIndex(): Uint8Array<ArrayBuffer> | null {
    const { path, before, after } = this.note;
    // First: of a landing that was cut off, git's index has a second name here, and to lose it changes its state.
    this.#since = this.#now();
    const info = lookAtSync(this.#index);
    // Git writes through a link.
    if (!info?.isFile || info.size > INDEX_BYTES) return null;
    this.#indexState = stateOf(info);
    let left = RACY_BYTES;
    this.#changed = withContent(Deno.readFileSync(this.#index), {
      ...{ path, to: after },
      // A person may have staged what lands and have gone back to the old in the file.
      from: this.#isResumed && this.#present() === after ? [before, after] : [before],
      writtenSeconds: Math.floor((info.mtime?.getTime() ?? 0) / 1000),
      isSame: (other, id) => {
        const file = join(this.#root, other);
        left -= lookAtSync(file)?.size ?? 0;
        return left < 0 ? null : this.#idOf(file) === id;
      },
    });
    return this.#changed && this.#changed.bytes;
  }

  /**
   * The branch is where it was, with a log, nothing else is under way, and the file has the old content or, of a landing
   * that was cut off, has the new one already.
   */
  isReady(): boolean {
    const { branch, tip, before, after } = this.note;
    const contents = this.#isResumed ? [before, after] : [before];
    return plainTextSync(join(this.#gitDir, "HEAD")) === `ref: refs/heads/${branch}\n` &&
      plainTextSync(this.#ref) === `${tip}\n` &&
      MIDDLES.every((name) => lookAtSync(join(this.#gitDir, name)) === null) &&
      this.#logs.every((log) => lookAtSync(log)?.isFile) &&
      contents.includes(this.#present() ?? "");
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

  /** Takes over what was cut off. */
  resume(): void {
    underWay.add(this.#folder);
    this.#isResumed = true;
    this.#locks.release();
  }

  /** All of it is on the disk when it returns. False: the system does not let it. */
  async write(files: Record<string, Uint8Array | string>): Promise<boolean> {
    // What has begun is not given up for want of room, or for a lock of somebody's: the next look tries again.
    this.#hasBegun ||= this.#isResumed && this.#present() === this.note.after;
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
        if (name === "index") file.utimeSync(this.#since, this.#since);
      }
      if (Deno.build.os !== "windows") {
        opened.push(Deno.openSync(this.#folder), Deno.openSync(this.#gitDir));
      }
      await Promise.all(opened.map((file) => file.sync()));
      return true;
    } catch (error) {
      // Git says what is the matter.
      if (isOfSystem(error)) return false;
      throw error;
    } finally {
      for (const file of opened) file.close();
    }
  }

  /** False: somebody else is at work, or was, or the system does not let it; nothing has changed. */
  move(): boolean {
    if (!this.#locks.take(this.cut) || !this.#isSound()) return false;
    const made = lookAtSync(this.#own("content"));
    if (!this.#moveFile()) return false;
    this.#hasBegun = true;
    if (made) this.#noteStat(made);
    this.cut("index");
    Deno.renameSync(`${this.#index}.lock`, this.#index);
    this.cut("branch");
    Deno.renameSync(`${this.#ref}.lock`, this.#ref);
    this.#isDone = true;
    this.cut("end");
    return true;
  }

  /** And tells git's logs. */
  #moveFile(): boolean {
    const { commit, tip, who, before } = this.note;
    const lines = new LogLines(this.#logs);
    try {
      for (const log of this.#logs) {
        // A line too many, after a crash, harms nothing.
        this.cut("log");
        lines.add(log, `${tip} ${commit} ${who}\tgaffer: save\n`);
      }
      this.cut("file");
      if (this.#present() === before) Deno.renameSync(this.#own("content"), this.#file);
      return true;
    } catch (error) {
      if (!isOfSystem(error)) throw error;
      lines.takeBack();
      return false;
    }
  }

  /**
   * The index says how the file looks that is in its place now, unless somebody has written it again already. What the
   * disk has of the index until then is as good: git reads the file once more.
   */
  #noteStat({ ino, size, mtime }: Deno.FileInfo): void {
    const there = lookAtSync(this.#file);
    if (
      Deno.build.os === "windows" || !there?.isFile || there.ino !== ino || there.size !== size ||
      there.mtime?.getTime() !== mtime?.getTime()
    ) return;
    using file = Deno.openSync(this.#own("index"), { write: true });
    writeAllSync(file, withStat(this.#changed!, there, this.note.tip.length));
    file.utimeSync(this.#since, this.#since);
  }

  /** Leaves nothing behind; of one that could not be done to its end, what `finishLanding` needs. */
  end(): void {
    underWay.delete(this.#folder);
    this.#locks.release();
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

  /** With the locks held: nothing has changed since the look, and what was written is whole. */
  #isSound(): boolean {
    const { commit, before, after } = this.note;
    const info = lookAtSync(this.#index);
    return info !== null && stateOf(info) === this.#indexState && this.isReady() &&
      plainTextSync(this.#own("branch")) === `${commit}\n` &&
      (this.#present() !== before ||
        this.#idOf(this.#own("content")) === after && this.#isOwnedAlike());
  }

  /** The new file may be read, written and executed by whom the old one may: git's ways of making one are its own. */
  #isOwnedAlike(): boolean {
    const [own, there] = [lookAtSync(this.#own("content")), lookAtSync(this.#file)];
    return own?.mode === there?.mode && own?.uid === there?.uid && own?.gid === there?.gid;
  }

  /** What the disk's clock says. */
  #now(): Date {
    removeIfThereSync(this.#own("index"));
    Deno.writeFileSync(this.#own("index"), new Uint8Array(), { createNew: true });
    return lookAtSync(this.#own("index"))?.mtime ?? new Date(0);
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
    const info = lookAtSync(path);
    if (!info?.isFile || (info.nlink ?? 1) > 1 || info.size > FILE_BYTES) return null;
    return objectId("blob", Deno.readFileSync(path), this.note.tip.length);
  }
}

const stateOf = ({ ino, size, mtime, ctime }: Deno.FileInfo): string =>
  `${ino} ${size} ${mtime?.getTime()} ${ctime?.getTime()}`;
