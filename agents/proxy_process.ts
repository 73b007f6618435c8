/** One proxy's process, seen from the server: started for one sandbox, asked what went through it, ended with it. */
import { z } from "zod";
import { SECOND_MS } from "../server/clock.ts";
import { AppError, messageOf } from "../server/errors.ts";
import { readLines } from "./lines.ts";
import { inOwnGroup, signalChild } from "./process_group.ts";
import type { HostUse } from "./protocol.ts";
import { type FromProxy, MAX_USES_BYTES, type ProxyConfig, SETTLE } from "./proxy/protocol.ts";
import { within } from "./proxy/within.ts";

const START_MS = 15 * SECOND_MS;
/** It has little else to do; a call does not wait longer to be told. */
const SETTLE_MS = 2 * SECOND_MS;
const STDERR_CHARS = 1_000;
/** Unix sockets have no longer paths. */
export const MAX_SOCKET_CHARS = 100;

export interface ProxyLaunch {
  program: string;
  args: string[];
  env: Record<string, string>;
  config: ProxyConfig;
}

export class ProxyProcess {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #socket: string;
  readonly #ready = Promise.withResolvers<void>();
  #asked: PromiseWithResolvers<HostUse[]> | null = null;
  #stderr = "";
  #over = false;
  #closing: Promise<void> | undefined;

  private constructor({ program, args, env, config }: ProxyLaunch) {
    this.#socket = config.socket;
    const { program: head, ...command } = inOwnGroup(program, args);
    this.#child = new Deno.Command(head, {
      ...command,
      env,
      clearEnv: true,
      cwd: "/",
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#ready.promise.catch(() => {}); // told to who waits for it
    this.#send(JSON.stringify(config));
    void this.#readAnswers();
    void this.#readErrors();
  }

  /** Resolves when it serves. Throws `conflict` when it can't be started, with it gone. */
  static async start(launch: ProxyLaunch): Promise<ProxyProcess> {
    const proxy = new ProxyProcess(launch);
    const served = within(START_MS, proxy.#ready.promise.then(() => true));
    const why = await served.then((yes) => yes ? null : "it did not start in time", messageOf);
    if (why === null) return proxy;
    await proxy.close();
    throw new AppError("conflict", `Cannot open the way to the allowed hosts: ${why}`);
  }

  /** It has ended: nothing is reached any more. */
  get isOver(): boolean {
    return this.#over;
  }

  /** What was asked of it since the last time. Nothing when it does not say. */
  async settle(): Promise<HostUse[]> {
    if (this.#over) return [];
    if (!this.#asked) {
      this.#asked = Promise.withResolvers();
      this.#send(SETTLE);
    }
    return await within(SETTLE_MS, this.#asked.promise) ?? [];
  }

  /** Ends it with all connections; resolves when it is gone. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#end("it was ended");
    signalChild(this.#child, "SIGKILL"); // it starts nothing
    await this.#child.status;
    await this.#stdin.abort().catch(() => {}); // nobody reads it any more
    await Deno.remove(this.#socket).catch(() => {}); // its folder goes with the server at the latest
  }

  #end(why: string): void {
    this.#over = true;
    this.#ready.reject(new Error(why));
    this.#asked?.resolve([]);
  }

  #send(line: string): void {
    // A write fails when the process has ended, which its output tells as well.
    this.#stdin.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }

  async #readAnswers(): Promise<void> {
    try {
      for await (const line of readLines(this.#child.stdout, MAX_USES_BYTES)) {
        const answer = parseFromProxy(line);
        if (answer.type === "ready") this.#ready.resolve();
        else this.#asked?.resolve(answer.uses);
        if (answer.type === "uses") this.#asked = null;
      }
    } catch (error) {
      this.#stderr += `\n${messageOf(error)}`;
    }
    signalChild(this.#child, "SIGKILL");
    await this.#child.status;
    this.#end(this.#stderr.trim().split("\n")[0] || "it ended by itself");
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.#stderr = (this.#stderr + decoder.decode(chunk, { stream: true })).slice(-STDERR_CHARS);
    }
  }
}

const use = z.object({
  host: z.string().max(253),
  port: z.int().min(0).max(65_535),
  allowed: z.boolean(),
  why: z.string().max(200).optional(),
  count: z.int().min(1),
});

const answer = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("uses"), uses: z.array(use).max(100) }),
]);

/** It handles hostile bytes, so nothing of it is used before it is checked. Throws when it is none of the answers. */
const parseFromProxy = (line: string): FromProxy => answer.parse(JSON.parse(line));
