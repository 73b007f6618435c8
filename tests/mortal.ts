/** A data folder whose servers are killed, and what must be left of them: an intact database and no process. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { Client, type Gaffer, type Json, startGaffer } from "./gaffer.ts";
import { Events, Rows, WAIT_MS } from "./journey_support.ts";

/** What a killed server started has to be gone by then. */
const GONE_MS = 3_000;
/** What is to be gone within a second, and as much again for a machine that is busy with other tests. */
export const WITHIN_A_SECOND_MS = 2_000;

/** One data folder whose servers are killed one after the other. */
export class Mortal implements AsyncDisposable {
  kills = 0;
  #gaffer: Gaffer | null = null;
  #seen = 0;
  #events: Events | null = null;

  constructor(
    readonly dataDir: string,
    readonly env: Record<string, string>,
    readonly args: string[] = [],
  ) {}

  get client(): Client {
    return new Client(this.#gaffer!.url);
  }

  /** What has happened since the server before was killed. */
  get events(): Events {
    return this.#events!;
  }

  async start(): Promise<void> {
    this.#gaffer = await startGaffer({ dataDir: this.dataDir, env: this.env, args: this.args });
    this.#events = await Events.open(this.#gaffer.url, this.#seen);
  }

  /** SIGKILL; then makes sure that nothing of it is left and that the database is whole. */
  async kill(): Promise<void> {
    await this.#gaffer!.kill();
    this.kills++;
    await this.#events![Symbol.asyncDispose]();
    await untilNoProcess(this.dataDir, GONE_MS);
    using rows = new Rows(this.dataDir);
    equal(rows.one("PRAGMA integrity_check"), "ok");
    deepEqual(rows.all("PRAGMA foreign_key_check"), []);
    this.#seen = rows.one("SELECT max(seq) FROM events");
  }

  async killAndStart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Kills the server as soon as the event is told, and starts another. */
  async killAt(what: string, matches: (event: Json) => boolean): Promise<void> {
    await this.events.next(what, matches);
    await this.killAndStart();
  }

  async [Symbol.asyncDispose]() {
    await this.#events?.[Symbol.asyncDispose]();
    await this.#gaffer?.[Symbol.asyncDispose]();
  }
}

/** Resolves when something changes in the folder that matches; watches from the call on, for so long. */
export function appeared(folder: string, matches: (path: string) => boolean): Promise<void> {
  const watcher = Deno.watchFs(folder, { recursive: false });
  const timer = setTimeout(() => watcher.close(), WAIT_MS);
  return (async () => {
    try {
      for await (const { paths } of watcher) if (paths.some(matches)) return;
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`Waited in vain for a change in ${folder}`);
  })();
}

/** Processes that work in `path` or name it in their arguments or environment, the tests' own aside. */
export function processesWith(path: string): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const [args = "", ...others] = aboutProcess(name);
    if ([args, ...others].some((text) => text.includes(path))) {
      found.push(`${name} ${args.replaceAll("\0", " ")}`);
    }
  }
  return found;
}

/** Its arguments, environment and folder. At once: a thread for each file of each process takes ten times as long. */
function aboutProcess(pid: string): string[] {
  try {
    return [
      Deno.readTextFileSync(`/proc/${pid}/cmdline`),
      Deno.readTextFileSync(`/proc/${pid}/environ`),
      Deno.readLinkSync(`/proc/${pid}/cwd`),
    ];
  } catch {
    return []; // it has just ended, or is somebody else's
  }
}

/**
 * Waits until no process has to do with `path` any more; throws, naming them, when some still have after
 * `limitMs`. Only Linux tells; elsewhere there is nothing to see.
 */
export async function untilNoProcess(path: string, limitMs: number): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const end = Date.now() + limitMs;
  while (true) {
    const left = processesWith(path);
    if (left.length === 0) return;
    if (Date.now() > end) throw new Error(`Still there after ${limitMs} ms:\n${left.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
