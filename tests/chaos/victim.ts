/** One data folder whose servers are killed one after the other; whoever uses it waits for the next one. */
import { type Launched, launchGaffer } from "../gaffer.ts";
import { Events } from "../journey_support.ts";
import { untilNoProcess } from "../mortal.ts";
import { Bell } from "./bell.ts";
import { type Kill, LATEST_MS, type Sight } from "./kill_plan.ts";

/** What a killed server started has to be gone by then. */
const GONE_MS = 10_000;
/** What a server sees of its work takes longer where its start does: on a machine that has much else to do. */
const SLOW_STARTS = 10;

/** One server, from its start to its end. */
export interface Life {
  startedMs: number;
  /** When it said that it serves; null: it was killed before. */
  answeredMs: number | null;
}

export interface VictimOptions {
  dataDir: string;
  env: Record<string, string>;
  /** See `StartOptions`. */
  executable?: string;
  /** Paths that nothing may use any more once a server is killed. */
  places: string[];
}

export class Victim implements AsyncDisposable {
  readonly lives: Life[] = [];
  kills = 0;
  readonly bell = new Bell();
  /** Address of the server that answers now. */
  url: string | null = null;
  readonly #options: VictimOptions;
  #server: Launched | null = null;
  #events: Events | null = null;
  #up = deferred<string>();
  #down = deferred<void>();

  constructor(options: VictimOptions) {
    this.#options = options;
  }

  /** What the present server has printed. */
  get output(): string {
    return this.#server?.output() ?? "";
  }

  /** Address of the present server, or of the next one once it answers. */
  up(): Promise<string> {
    return this.#up.promise;
  }

  /** Resolves when the present server is killed. */
  down(): Promise<void> {
    return this.#down.promise;
  }

  /** Starts a server; resolves when it answers. Rejects when it ends by itself. */
  async start(): Promise<void> {
    const life: Life = { startedMs: Date.now(), answeredMs: null };
    this.lives.push(life);
    const { dataDir, env, executable } = this.#options;
    const server = this.#server = launchGaffer({ dataDir, env, executable });
    const url = await server.address;
    if (this.#server !== server) return; // killed in this very moment
    life.answeredMs = Date.now();
    this.url = url;
    void this.#listen(url);
    this.#up.resolve(url);
  }

  /** Counts what the server tells until it is gone. */
  async #listen(url: string): Promise<void> {
    try {
      const events = this.#events = await Events.open(url);
      this.bell.ring("event"); // what came before is not told
      for await (const { type, data } of events) {
        this.bell.ring(data?.call ? `${type} ${data.call.name}` : type);
        this.bell.ring("event");
      }
    } catch (error) {
      if (this.url === url) throw error;
    }
  }

  /** Starts a server and kills it at the planned instant. */
  async liveAndDie(kill: Kill): Promise<void> {
    const started = this.start();
    if (kill.after === "start") await cutOff(started, kill.ms);
    else {
      await started;
      await this.#instant(kill);
    }
    await this.kill();
  }

  async #instant({ after, count, ms }: Kill): Promise<void> {
    if (after !== "start" && after !== "ready") await this.passed(after, count);
    await wait(ms);
  }

  /** Resolves when so many more of these were seen, or it took too long. */
  passed(sight: Sight, count: number): Promise<void> {
    const { bell } = this;
    const withinMs = Math.max(LATEST_MS, SLOW_STARTS * this.#startMs);
    return bell.counted(sight, bell.count(sight) + count, AbortSignal.timeout(withinMs));
  }

  /** How long the present server took to answer. */
  get #startMs(): number {
    const { startedMs, answeredMs } = this.lives.at(-1)!;
    return answeredMs === null ? 0 : answeredMs - startedMs;
  }

  /** SIGKILL; resolves when nothing that it started is left. */
  async kill(): Promise<void> {
    this.kills++;
    await this.#end((server) => server.kill());
    for (const place of this.#options.places) await untilNoProcess(place, GONE_MS);
  }

  /** SIGTERM; gives the exit code. */
  stop(): Promise<number> {
    return this.#end((server) => server.stop());
  }

  async #end<T>(how: (server: Launched) => Promise<T>): Promise<T> {
    const server = this.#server!;
    this.#server = null;
    if (this.url !== null) this.#up = deferred();
    this.url = null;
    const result = await how(server);
    await this.#events?.[Symbol.asyncDispose]();
    this.#down.resolve();
    this.#down = deferred();
    return result;
  }

  /** Whoever waits for a server learns that there will be none. */
  giveUp(error: unknown): void {
    this.#up.reject(error);
    this.#down.resolve();
  }

  async [Symbol.asyncDispose]() {
    await this.#events?.[Symbol.asyncDispose]();
    await this.#server?.[Symbol.asyncDispose]();
  }
}

function deferred<T>() {
  const made = Promise.withResolvers<T>();
  made.promise.catch(() => {}); // nobody has to wait for it
  return made;
}

/** Resolves after so long although the start may be under way. Rejects when it failed by itself. */
async function cutOff(started: Promise<void>, ms: number): Promise<void> {
  let failure: unknown = null;
  started.catch((error) => failure = error);
  await wait(ms);
  if (failure !== null) throw failure;
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
