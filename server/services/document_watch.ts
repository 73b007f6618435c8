/** Edits of documents from outside are noticed while somebody has a page of their project open, and only then. */
import { commonDirOf } from "../../agents/git/repository.ts";
import { PlanningWatch, type PlanningWatchSpec } from "../../agents/planning/planning_watch.ts";
import type { App } from "../app.ts";
import { AppError, messageOf } from "../errors.ts";
import { getProject } from "../store/projects.ts";
import { type Cancel, systemTimers, type Timers } from "../timers.ts";
import { followDocuments } from "./document_index.ts";

/** Everything that happens within this time is looked at once. */
export const SETTLE_MS = 200;
/** A look that takes long is taken that much less often. */
const REST_FACTOR = 4;
/** A look that takes longer is given up; the next page that is opened looks again. */
const LOOK_TIMEOUT_MS = 60_000;

export interface WatchTools {
  timers?: Timers;
  watch?: (spec: PlanningWatchSpec) => { close(): void };
}

/** The projects that are watched, each once, whoever looks. */
export class DocumentWatches {
  readonly #watches = new Map<string, Watch>();

  constructor(readonly tools: WatchTools = {}) {}

  /** Projects that are watched right now. */
  get count(): number {
    return this.#watches.size;
  }

  /** Watches a project's documents until what this gives is called; calling that again does nothing. */
  hold(app: App, projectId: string): Cancel {
    let watch = this.#watches.get(projectId);
    if (!watch) {
      watch = new Watch(app, projectId, this.tools);
      this.#watches.set(projectId, watch);
    }
    const held = watch;
    held.holders++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if (--held.holders > 0) return;
      this.#watches.delete(projectId);
      held.close();
    };
  }
}

class Watch {
  holders = 0;
  readonly #stop = new AbortController();
  readonly #timers: Timers;
  #watch: { close(): void } | null = null;
  #timer: Cancel | null = null;
  #looking = false;
  #changed = false;
  #restMs = SETTLE_MS;
  /** Said once: it stays so until the page is closed. */
  #troubled = false;

  constructor(readonly app: App, readonly projectId: string, readonly tools: WatchTools) {
    this.#timers = tools.timers ?? systemTimers;
    void this.#begin();
  }

  close(): void {
    this.#stop.abort();
    this.#timer?.();
    this.#watch?.close();
  }

  async #begin(): Promise<void> {
    try {
      const { path: repo } = getProject(this.app.db, this.projectId);
      // Notices name real paths.
      const commonDir = await Deno.realPath(await commonDirOf(repo, this.#stop.signal));
      if (this.#stop.signal.aborted) return;
      const make = this.tools.watch ?? ((spec) => new PlanningWatch(spec));
      this.#watch = make({
        repo: await Deno.realPath(repo),
        commonDir,
        ref: () => `refs/heads/${getProject(this.app.db, this.projectId).baseBranch}`,
        onChange: () => this.#soon(),
        onTrouble: (error) => this.#say(error),
      });
      if (this.#stop.signal.aborted) return this.#watch.close();
      // What changed between the page and this moment.
      this.#soon();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#say(error);
    }
  }

  #soon(): void {
    this.#changed = true;
    if (this.#looking || this.#stop.signal.aborted) return;
    this.#timer ??= this.#timers.after(this.#restMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#timer = null;
    this.#looking = true;
    this.#changed = false;
    const { app, projectId } = this;
    const begunMs = performance.now();
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
    try {
      await followDocuments(app, getProject(app.db, projectId), signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      // Pages that look again say what is the matter with the folder.
      if (error instanceof AppError) app.hub.publish({ kind: "documents", projectId });
      else this.#say(error);
    }
    this.#looking = false;
    this.#restMs = Math.max(SETTLE_MS, REST_FACTOR * (performance.now() - begunMs));
    if (this.#changed) this.#soon();
  }

  #say(error: unknown): void {
    if (this.#troubled) return;
    this.#troubled = true;
    this.app.log.warn(
      "edits of documents from outside are only noticed when a page is opened",
      { project: this.projectId, error: messageOf(error) },
    );
  }
}
