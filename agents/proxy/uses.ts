/** Which hosts were asked for, grouped: what a run's log and its page tell of it. */
import type { HostUse } from "../protocol.ts";
import { MAX_TOLD } from "./limits.ts";

export class Uses {
  #uses = new Map<string, HostUse>();
  #untold = 0;

  add(use: Omit<HostUse, "count">): void {
    const key = JSON.stringify([use.host, use.port, use.allowed, use.why]);
    const known = this.#uses.get(key);
    if (known) known.count++;
    else if (this.#uses.size < MAX_TOLD) this.#uses.set(key, { ...use, count: 1 });
    else this.#untold++;
  }

  /** All since it was last asked. */
  take(): HostUse[] {
    const uses = [...this.#uses.values()];
    if (this.#untold > 0) {
      const why = "further hosts that are not told one by one";
      uses.push({ host: "", port: 0, allowed: false, why, count: this.#untold });
    }
    this.#uses = new Map();
    this.#untold = 0;
    return uses;
  }
}
