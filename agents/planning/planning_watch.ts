/**
 * Tells when a project's documents may have changed: files below `planning/`, or where its branches stand. By the
 * system's own notices, so that nothing runs while nothing happens; where there are none, the next look at the
 * documents finds the changes as well.
 */
import { join } from "node:path";

export interface PlanningWatchSpec {
  repo: string;
  /** The repository's common `.git` folder. */
  commonDir: string;
  /** Full name of the base branch's ref, asked each time. */
  ref(): string;
  /** Something may be other than before; called often when much happens. */
  onChange(): void;
  /** Not everything can be watched: a limit of the system was reached, or a right is missing. The rest still is. */
  onTrouble(error: unknown): void;
}

type Part = "repository" | "documents" | "git" | "branches";

/** Watches until it is closed. Folders that are not there are none; `planning/` is, as soon as it is made. */
export class PlanningWatch {
  readonly #watchers = new Map<Part, Deno.FsWatcher>();
  readonly #planning: string;
  #closed = false;

  constructor(readonly spec: PlanningWatchSpec) {
    const { repo, commonDir } = spec;
    this.#planning = join(repo, "planning");
    this.#watch("repository", repo, false, (event) => {
      if (!event.paths.includes(this.#planning)) return false;
      // The folder itself went, or came: what watched the old one watches nothing any more.
      if (event.kind !== "modify") this.#watchDocuments();
      return true;
    });
    this.#watchDocuments();
    const heads = [join(commonDir, "HEAD"), join(commonDir, "packed-refs")];
    this.#watch("git", commonDir, false, ({ paths }) => paths.some((path) => heads.includes(path)));
    this.#watch("branches", join(commonDir, "refs", "heads"), true, ({ paths }) => {
      return paths.includes(join(commonDir, spec.ref()));
    });
  }

  close(): void {
    this.#closed = true;
    for (const part of [...this.#watchers.keys()]) this.#end(part);
  }

  #watchDocuments(): void {
    this.#end("documents");
    if (isFolder(this.#planning)) this.#watch("documents", this.#planning, true, () => true);
  }

  #watch(
    part: Part,
    path: string,
    recursive: boolean,
    concerns: (event: Deno.FsEvent) => boolean,
  ): void {
    try {
      const watcher = Deno.watchFs(path, { recursive });
      this.#watchers.set(part, watcher);
      void this.#listen(watcher, concerns);
    } catch (error) {
      // It may have gone since it was looked at; who made it again is told by the folder around it.
      if (!(error instanceof Deno.errors.NotFound)) this.spec.onTrouble(error);
    }
  }

  async #listen(
    watcher: Deno.FsWatcher,
    concerns: (event: Deno.FsEvent) => boolean,
  ): Promise<void> {
    try {
      for await (const event of watcher) {
        if (this.#closed) return;
        // Gaffer's own looks are told of, too; and where too much happened, the system names no path.
        if (event.kind === "access") continue;
        if (event.paths.length === 0 || concerns(event)) this.spec.onChange();
      }
    } catch (error) {
      if (!this.#closed) this.spec.onTrouble(error);
    }
  }

  #end(part: Part): void {
    this.#watchers.get(part)?.close();
    this.#watchers.delete(part);
  }
}

/** Never through a link: nothing of what it leads to is a document. */
function isFolder(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
