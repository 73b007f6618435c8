/** Keeps the children of hands: one per role, folder and access; started on demand, ended when unused. */
import { MINUTE_MS } from "../server/clock.ts";
import { AppError } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import type { HandsRole } from "./hands_config.ts";
import type { Launch, Launcher } from "./hands_launch.ts";
import { HandsProcess } from "./hands_process.ts";
import type { HandsWatch } from "./hands_watch.ts";
import type { HostUse, Place } from "./protocol.ts";
import { ProxyProcess } from "./proxy_process.ts";

const DEFAULT_IDLE_MS = MINUTE_MS;
/**
 * Hands that start at a time. Each computes for a while before it can do anything; a hundred at once would all
 * be late, and the server with them.
 */
const MAX_STARTS = Math.max(2, navigator.hardwareConcurrency);

export interface PoolOptions {
  launcher: Launcher;
  log: Log;
  watch: HandsWatch;
  idleMs?: number;
  /** For tests: changes how hands are started. */
  launch?: (launch: Launch, role: HandsRole) => Launch;
}

/** How commands of a sandbox get to hosts; null: not at all. */
interface Way {
  proxy: ProxyProcess | null;
}

interface Entry {
  dir: string;
  /** See `Reach`. */
  by: string | undefined;
  hands: Promise<HandsProcess>;
  way: Way;
  idle?: ReturnType<typeof setTimeout>;
}

const keyOf = (
  { access, dir, masked = [], reach, toolchains = [], limits = {} }: Place,
  role: HandsRole,
) => JSON.stringify([role, access, dir, masked, reach ?? null, toolchains, limits]);

export class HandsPool {
  readonly #options: PoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #stop = new AbortController();
  #starting = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Aborts when no more hands are started. */
  get closing(): AbortSignal {
    return this.#stop.signal;
  }

  /** Running hands of the place, or new ones. */
  async take(place: Place, role: HandsRole, signal: AbortSignal): Promise<HandsProcess> {
    const key = keyOf(place, role);
    const entry = this.#entries.get(key);
    const running = await entry?.hands.catch(() => null);
    // Without their proxy they would reach nothing for the rest of their life.
    if (running && !running.isOver && !entry!.way.proxy?.isOver) {
      clearTimeout(entry!.idle);
      return running;
    }
    // Never two in one folder: the old ones are gone before the new ones start.
    await running?.kill("it is replaced");
    await entry?.way.proxy?.close();
    if (this.#stop.signal.aborted) {
      throw new AppError("conflict", "Cannot use tools: the server is stopping");
    }
    signal.throwIfAborted();
    // Another call may have started some while this one waited to hear that the old ones are over.
    if (this.#entries.get(key) !== entry) return await this.take(place, role, signal);
    const way: Way = { proxy: null };
    const hands = this.#start(place, role, way);
    const fresh: Entry = { dir: place.dir, by: place.reach?.by, hands, way };
    this.#entries.set(key, fresh);
    hands.then((started) => {
      started.onBusy = () => this.#options.watch.follow(started);
      started.onIdle = () => this.#whenIdle(key, fresh, started);
    }, () => this.#forget(key, fresh));
    return await hands;
  }

  /** What commands of the place have asked their proxy for since the last time; nothing where they have none. */
  async uses({ dir, reach }: Place): Promise<HostUse[]> {
    if (!reach) return [];
    const entries = [...this.#entries.values()].filter((one) =>
      one.dir === dir && one.by === reach.by
    );
    return (await Promise.all(entries.map(({ way }) => way.proxy?.settle() ?? []))).flat();
  }

  /** Ends the hands of a folder and all they started; resolves when they are gone. */
  async release(dir: string): Promise<void> {
    const entries = [...this.#entries].filter(([, entry]) => entry.dir === dir);
    await Promise.all(
      entries.map(([key, entry]) => this.#end(key, entry, "its folder was released")),
    );
  }

  /** Ends the hands that `take` gave for this place and role; resolves when they are gone. */
  async dismiss(place: Place, role: HandsRole): Promise<void> {
    const key = keyOf(place, role);
    const entry = this.#entries.get(key);
    if (entry) await this.#end(key, entry, "its work is done");
  }

  /** Ends all hands; none are started any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    const entries = [...this.#entries];
    await Promise.all(entries.map(([key, entry]) => this.#end(key, entry, "the server stops")));
  }

  async #start(place: Place, role: HandsRole, way: Way): Promise<HandsProcess> {
    const info = await Deno.lstat(place.dir).catch(() => null);
    if (!info?.isDirectory) {
      throw new AppError(
        "conflict",
        `Cannot work in ${place.dir}: there is no such folder. Retry, so that it is made again`,
      );
    }
    const { launcher } = this.#options;
    const planned = await launcher.proxy(place, role);
    if (planned) way.proxy = await ProxyProcess.start(planned);
    try {
      const socket = planned?.config.socket ?? null;
      const launch = await launcher.plan(place, role, this.#stop.signal, socket);
      return await this.#startAs(this.#options.launch?.(launch, role) ?? launch);
    } catch (error) {
      await way.proxy?.close();
      throw error;
    }
  }

  async #startAs(launch: Launch): Promise<HandsProcess> {
    const sh = await this.#options.launcher.sh();
    await this.#turnToStart();
    try {
      if (this.#stop.signal.aborted) {
        throw new AppError("conflict", "Cannot use tools: the server is stopping");
      }
      const hands = new HandsProcess(launch, sh);
      void hands.startOver.then(() => this.#startNext());
      return hands;
    } catch (error) {
      this.#startNext();
      throw error;
    }
  }

  /** In order of arrival. */
  async #turnToStart(): Promise<void> {
    if (this.#starting < MAX_STARTS) this.#starting++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #startNext(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#starting--;
  }

  #whenIdle(key: string, entry: Entry, hands: HandsProcess): void {
    this.#options.watch.unfollow(hands);
    clearTimeout(entry.idle);
    if (hands.isOver) {
      const { lastWords } = hands;
      if (lastWords) this.#options.log.warn("hands had errors", { folder: entry.dir, lastWords });
      // Hands that are over are replaced when they are needed; their proxy would stay until then.
      if (!entry.way.proxy) return;
    }
    const idleMs = this.#options.idleMs ?? DEFAULT_IDLE_MS;
    const timer = setTimeout(() => {
      if (!hands.isBusy) void this.#end(key, entry, "it was not used");
    }, idleMs);
    Deno.unrefTimer(timer);
    entry.idle = timer;
  }

  async #end(key: string, entry: Entry, cause: string): Promise<void> {
    clearTimeout(entry.idle);
    const hands = await entry.hands.catch(() => null);
    await hands?.close(cause);
    await entry.way.proxy?.close();
    this.#forget(key, entry);
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
