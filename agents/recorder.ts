/** Records what a run does, in order: what nobody waits for shares the commit of what comes next. */
import type { RunEventBody } from "./protocol.ts";

export interface RecorderOptions {
  /** See `RunHost.append`; called in the order of the log. */
  write: (event: RunEventBody, how: Writing) => void | Promise<void>;
  /** Has what may wait written at once. */
  hurry: () => void;
}

export interface Writing {
  mayWait: boolean;
  /** To be called, if it can be, as soon as it has failed: before anything else is written. */
  failed?: () => void;
}

/** An event that nobody has waited for yet. */
interface Late {
  event: RunEventBody;
  written: Promise<void>;
  /** It is not on disk: it is written again, before whatever comes next. */
  failed: boolean;
}

export class Recorder {
  readonly #options: RecorderOptions;
  #late: Late[] = [];
  #settled = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Resolves when the event, and all before it, is on disk. Rejects with what kept one of them from getting there. */
  async append(event: RunEventBody): Promise<void> {
    this.#again(false);
    const ahead = this.#late.map(({ written }) => written);
    const all = await Promise.allSettled([this.#write(event, { mayWait: false }), ...ahead]);
    for (const one of all) if (one.status === "rejected") throw one.reason;
  }

  /**
   * An event without which the run may go on as far as to what comes next, which is not on disk before it. Once all is
   * settled it is as `append`.
   */
  async later(event: RunEventBody): Promise<void> {
    if (this.#settled) return await this.append(event);
    this.#again(true);
    this.#late.push(this.#begin(event, true));
  }

  /** Resolves when all is on disk. From now on nothing waits for anything. Rejects as `append`. */
  async settle(): Promise<void> {
    this.#settled = true;
    if (this.#late.length === 0) return;
    this.#again(false);
    const all = this.#late.map(({ written }) => written);
    this.#options.hurry();
    await Promise.all(all);
  }

  #again(mayWait: boolean): void {
    this.#late = this.#late.map((late) => late.failed ? this.#begin(late.event, mayWait) : late);
  }

  #begin(event: RunEventBody, mayWait: boolean): Late {
    const late: Late = { event, written: Promise.resolve(), failed: false };
    const failed = () => void (late.failed = true); // told to who appends next
    late.written = this.#write(event, { mayWait, failed });
    late.written.then(() => this.#late = this.#late.filter((one) => one !== late), failed);
    return late;
  }

  async #write(event: RunEventBody, how: Writing): Promise<void> {
    await this.#options.write(event, how);
  }
}
