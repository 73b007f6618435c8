/**
 * Entry of the hands: the child process in which tools and commands run. Standard input and output carry
 * the protocol, one JSON value a line. Started from source, from a bundle, or as the executable again.
 */
import { setPriority } from "node:os";
import { HANDS_ARGUMENT, type HandsConfig, NICENESS } from "./hands_config.ts";
import { HandsService } from "./hands_service.ts";
import type { FromHands, ProbeAttempt } from "./protocol.ts";
import { MAX_REQUEST_BYTES, readLines } from "./lines.ts";
import { tryProbes } from "./probes.ts";
import { startRelay } from "./relay.ts";

const allRights = ["run", "read", "write", "net", "env", "sys", "ffi", "import"] as const;

/** Serves until standard input ends, then ends all that runs and the process. */
export async function handsMain([config = ""]: string[]): Promise<void> {
  const settings = JSON.parse(config) as HandsConfig;
  setPriority(NICENESS);
  const serve = settings.role === "confined" ? serveByWorker : serveHere;
  await serve(settings);
  Deno.exit(0);
}

async function serveHere(config: HandsConfig): Promise<void> {
  if (config.role === "commands") giveUp(allRights.filter((name) => name !== "run"));
  const service = new HandsService(config, writeLine);
  if (config.relay) startRelay();
  ready();
  for await (const line of readLines(Deno.stdin.readable, MAX_REQUEST_BYTES)) service.receive(line);
  await service.close();
  if (config.tempDir) await removeFolder(config.tempDir);
}

/** By a program, since the right to write is given up. The server may be gone, and can't do it. */
async function removeFolder(path: string): Promise<void> {
  await new Deno.Command("/bin/rm", { args: ["-rf", "--", path], clearEnv: true }).output();
}

/**
 * Rights that were given by -A can't be narrowed to a folder, only given up as a whole. A worker gets
 * the folder and nothing else; this isolate, left without any right, only passes lines on.
 */
async function serveByWorker(config: HandsConfig): Promise<void> {
  const { dir, access } = config;
  const worker = new Worker(workerUrl(), {
    type: "module",
    deno: {
      permissions: {
        read: [dir],
        write: access === "write" ? [dir] : false,
        run: false,
        net: false,
        env: false,
        sys: false,
        ffi: false,
        import: false,
      },
    },
  });
  const loaded = Promise.withResolvers<void>();
  worker.onerror = (event) => {
    event.preventDefault();
    console.error(`the worker failed: ${event.message}`);
    Deno.exit(1);
  };
  worker.onmessage = ({ data }: MessageEvent<string | null>) => {
    if (data === null) loaded.resolve();
    else writeLine(data);
  };
  await loaded.promise;
  giveUp(allRights);
  worker.postMessage({ config });
  ready();
  for await (const line of readLines(Deno.stdin.readable, MAX_REQUEST_BYTES)) {
    worker.postMessage({ line, alsoTried: await tryHere(line) });
  }
}

/** The canary asks whether this isolate, too, is without rights. */
async function tryHere(line: string) {
  if (!line.startsWith('{"type":"probe"')) return [];
  return await tryProbes((JSON.parse(line) as { attempts: ProbeAttempt[] }).attempts);
}

/** The worker's file keeps its place in the tree when the code around it is bundled. */
function workerUrl(): URL {
  const here = import.meta.url;
  if (here.endsWith(".ts")) return new URL("./hands_worker.ts", here);
  return new URL(
    here.endsWith("/agents/hands.js") ? "./hands_worker.js" : "./agents/hands_worker.js",
    here,
  );
}

function giveUp(names: readonly (typeof allRights[number])[]): void {
  for (const name of names) {
    // The types do not know "import" yet.
    const { state } = Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
    if (state === "granted") throw new Error(`could not give up the right to "${name}"`);
  }
}

const ready = () => writeLine(JSON.stringify({ type: "ready", pid: Deno.pid } satisfies FromHands));

const encoder = new TextEncoder();

/** Waits when the server does not read: then the hands stop, and nothing piles up. */
function writeLine(line: string): void {
  const bytes = encoder.encode(line + "\n");
  try {
    for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
  } catch (error) {
    // The server is gone. The end of input says so too, and makes us clean up before we go.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

// As a part of the executable it is main.ts that starts it.
if (import.meta.main && Deno.args[0] === HANDS_ARGUMENT) {
  await handsMain(Deno.args.slice(1));
}
