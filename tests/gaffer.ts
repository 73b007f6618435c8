/** A real server in a process of its own, and a client of its API: for the tests that use Gaffer as a user does. */
import { join } from "node:path";
import { bundledProgram } from "./bundled.ts";

export interface StartOptions {
  dataDir: string;
  env?: Record<string, string>;
  args?: string[];
  /** The compiled program to start; by default what GAFFER_EXECUTABLE names, else a bundle. */
  executable?: string;
  /** A command that runs the server as its child (`strace -f …`). */
  under?: string[];
}

export interface Gaffer extends AsyncDisposable {
  url: string;
  pid: number;
  /** All that it has printed, standard error included. */
  output(): string;
  /** Waits for the end, which comes by itself or by a signal of the test's; gives the exit code. */
  end(): Promise<number>;
  /** SIGTERM, and waits for the end; gives the exit code. */
  stop(): Promise<number>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** A server that was just started, and may not answer yet. */
export interface Launched extends Omit<Gaffer, "url"> {
  /** Rejects when it ends before it serves. */
  address: Promise<string>;
}

const root = join(import.meta.dirname!, "..");

/**
 * Starts a file of this project as `deno run` does, but takes the packages as they are: whoever runs the tests has
 * installed them. To look whether they fit the lock file takes a third of a server's start.
 */
export const runSource = (file: string): string[] => [
  ...["run", "-A", "--no-prompt", "--no-lock", "--cached-only", "--node-modules-dir=manual"],
  join(root, file),
];

const runBundle = [
  ...["run", "-A", "--no-prompt", "--no-config", "--no-lock", "--unstable-worker-options"],
  "--unstable-no-legacy-abort",
  ...Deno.env.get("GAFFER_EXECUTABLE") ? [] : [await bundledProgram()],
];

/** The compiled executable when there is one, else what it has inside with this Deno. */
function command(executable = Deno.env.get("GAFFER_EXECUTABLE")): [string, string[]] {
  return executable ? [executable, []] : [Deno.execPath(), runBundle];
}

/** Variables that must not leak from whoever runs the tests into what is tested. */
const cleanEnv = (env: Record<string, string>) => {
  // `GAFFER_SANDBOX=off` runs the journeys as on a machine without bubblewrap.
  const { PATH = "/usr/bin:/bin", HOME = "/tmp", GAFFER_SANDBOX = "" } = Deno.env.toObject();
  return { PATH, HOME, GAFFER_SANDBOX, LANG: "C.UTF-8", ...env };
};

/** Starts a server on a free port and waits for the line with its address. */
export async function startGaffer(options: StartOptions): Promise<Gaffer> {
  const { address, ...server } = launchGaffer(options);
  return { url: await address, ...server };
}

/** Starts a server on a free port, and leaves the waiting to the caller. */
export function launchGaffer(
  { dataDir, env = {}, args = [], executable, under = [] }: StartOptions,
): Launched {
  const [program, before] = command(executable);
  const [first, ...rest] = [...under, program, ...before];
  const child = new Deno.Command(first!, {
    args: [...rest, "serve", "--port", "0", "--data", dataDir, ...args],
    clearEnv: true,
    env: cleanEnv({ GAFFER_DEMO_PACE_MS: "0", ...env }),
    cwd: dataDir,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const address = Promise.withResolvers<string>();
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (
      const text of stream.pipeThrough(
        new TextDecoderStream() as TransformStream<Uint8Array, string>,
      )
    ) {
      output += text;
      // A refusal names another server's address, too.
      const match = output.match(/ serves (http:\/\/[^\s/]+)/);
      if (match) address.resolve(match[1]!);
    }
  };
  const streams = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const ended = child.status.then(async (status) => {
    await streams;
    address.reject(new Error(`Gaffer ended with code ${status.code}:\n${output}`));
    return status;
  });
  // Whoever kills it at its start does not wait for the address.
  address.promise.catch(() => {});
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended already.
    }
    return (await ended).code;
  };
  return {
    address: address.promise,
    pid: child.pid,
    output: () => output,
    end: async () => (await ended).code,
    stop: () => end("SIGTERM"),
    kill: async () => void await end("SIGKILL"),
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}

// deno-lint-ignore no-explicit-any
export type Json = any;

/** A client of the API that waits on events, never on time. */
export class Client {
  constructor(readonly url: string) {}

  async request(method: string, path: string, body?: unknown, headers = {}): Promise<Response> {
    return await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async get(path: string): Promise<Json> {
    return await this.#json(await this.request("GET", path));
  }

  async post(path: string, body: unknown = {}): Promise<Json> {
    return await this.#json(await this.request("POST", path, body));
  }

  async #json(response: Response): Promise<Json> {
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${response.url}: ${text}`);
    return JSON.parse(text);
  }

  /**
   * Reads `path` now and after each event until `enough` is true, and gives what it read. Fails after
   * `timeoutMs`, saying what it saw last: a wait without an end would hide a hang.
   */
  async until(
    path: string,
    enough: (value: Json) => boolean,
    timeoutMs = 60_000,
  ): Promise<Json> {
    const timeout = AbortSignal.timeout(timeoutMs);
    let last: Json;
    try {
      const events = await fetch(`${this.url}/api/v1/events`, { signal: timeout });
      const reader = events.body!.getReader();
      try {
        while (true) {
          last = await this.get(path);
          if (enough(last)) return last;
          const { done } = await reader.read();
          if (done) throw new Error("The event stream ended");
        }
      } finally {
        await reader.cancel().catch(() => {});
      }
    } catch (error) {
      throw new Error(`Waited in vain for ${path}: ${JSON.stringify(last, null, 1)}`, {
        cause: error,
      });
    }
  }
}

/** A temporary folder that is removed with everything in it. */
export async function tempDir(prefix = "gaffer-"): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Runs a command and gives its output; throws when it fails. */
export async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { cwd, args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${text(stderr)}${text(stdout)}`);
  return text(stdout);
}
