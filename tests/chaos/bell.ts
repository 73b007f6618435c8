/** Things that happen, counted by kind, and waiting for them. */
import type { Sight } from "./kill_plan.ts";

export class Bell {
  readonly #counts = new Map<Sight, number>();
  readonly #waiting = new Set<() => void>();

  count(sight: Sight): number {
    return this.#counts.get(sight) ?? 0;
  }

  ring(sight: Sight): void {
    this.#counts.set(sight, this.count(sight) + 1);
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves once `sight` was counted so often, or when the signal aborts. */
  counted(sight: Sight, count: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(look);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const look = () => {
        if (this.count(sight) >= count || signal.aborted) done();
      };
      this.#waiting.add(look);
      signal.addEventListener("abort", done);
      look();
    });
  }
}
