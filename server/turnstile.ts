/** Lets asynchronous work on one thing (a folder, a repository) happen one at a time, in order of arrival. */
export class Turnstile {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Waits for whoever works on `key`, then runs `work`. A failure is the caller's own: the next one runs. */
  async through<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
