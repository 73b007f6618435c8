/** Where waiting comes from, beside the clock: tests pass timers that fire when they move the time. */
export interface Timers {
  /**
   * Calls back once after `delayMs`. Returns what cancels it; cancelling twice or late does nothing.
   * A timer does not keep the process alive, unless `keepAlive` says that someone waits for it.
   */
  after(delayMs: number, callback: () => void, options?: { keepAlive?: boolean }): Cancel;
}
export type Cancel = () => void;

export const systemTimers: Timers = {
  after(delayMs, callback, { keepAlive = false } = {}) {
    const id = setTimeout(callback, delayMs);
    if (!keepAlive) Deno.unrefTimer(id);
    return () => clearTimeout(id);
  },
};
