/**
 * All that one process has started, to be ended with it where no namespace does that. Group by group: the
 * kernel kills a group in one go, so that not even a fork bomb gets ahead. Linux only, as the count is.
 */
import { Census } from "./census.ts";
import { signalGroup } from "./process_group.ts";

/** What makes groups faster than this is left to who looks for the marker in its environment. */
const MAX_ROUNDS = 8;

export class Brood {
  readonly #pid: number;
  readonly #census = new Census();

  /** Made while the process lives: afterwards nothing tells what it has started. */
  constructor(pid: number) {
    this.#pid = pid;
    this.#groups();
  }

  kill(): void {
    for (let left = MAX_ROUNDS; left > 0; left--) {
      const groups = this.#groups();
      if (groups.length === 0) return;
      for (const group of groups) signalGroup(group, "SIGKILL");
    }
  }

  #groups(): number[] {
    return this.#census.count([this.#pid]).get(this.#pid)!.groups;
  }
}
