/** Tries what confined code must not be able to do; runs inside of the confinement. */
import { messageOf } from "../server/errors.ts";
import type { ProbeAttempt, ProbeResult } from "./protocol.ts";

const CONNECT_TIMEOUT_MS = 1_000;
const WORKER_TIMEOUT_MS = 5_000;

/** Tries each in turn. `success` means that the confinement has a hole. */
export async function tryProbes(attempts: readonly ProbeAttempt[]): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const attempt of attempts) {
    try {
      const detail = await actions[attempt.action](attempt.target);
      results.push({ name: attempt.name, succeeded: detail !== null, detail: detail ?? "" });
    } catch (error) {
      results.push({
        name: attempt.name,
        succeeded: false,
        detail: messageOf(error).slice(0, 200),
      });
    }
  }
  return results;
}

/** Each gives what it achieved, null for nothing, or throws. */
const actions: Record<ProbeAttempt["action"], (target: string) => Promise<string | null>> = {
  async read(path) {
    using file = await Deno.open(path, { read: true });
    await file.read(new Uint8Array(1));
    return `read ${path}`;
  },
  async write(path) {
    await Deno.writeTextFile(path, "canary");
    return `wrote ${path}`;
  },
  async run(path) {
    await new Deno.Command(path, { args: ["-c", "exit 0"], stdin: "null" }).output();
    return `ran ${path}`;
  },
  async connect(address) {
    const colon = address.lastIndexOf(":");
    const target = { hostname: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    using connection = await Deno.connect({ ...target, signal });
    return `connected to ${connection.remoteAddr.transport} ${address}`;
  },
  async unix(path) {
    using _ = await Deno.connect({ transport: "unix", path });
    return `connected to ${path}`;
  },
  async import(path) {
    await import(`file://${path}`, { with: { type: "json" } });
    return `imported ${path}`;
  },
  /** A worker may ask for more than the one that starts it has. */
  worker: (path) =>
    new Promise((resolve, reject) => {
      const code = `try { Deno.openSync(${JSON.stringify(path)}).close(); postMessage("") } ` +
        "catch (error) { postMessage(String(error)) }";
      const worker = new Worker(`data:application/javascript,${encodeURIComponent(code)}`, {
        type: "module",
        deno: { permissions: { read: true } },
      });
      const end = (error: string | null) => {
        clearTimeout(timer);
        worker.terminate();
        if (error === null) resolve(`read ${path} in a worker`);
        else reject(new Error(error));
      };
      const timer = setTimeout(() => end("it did not answer"), WORKER_TIMEOUT_MS);
      worker.onmessage = ({ data }: MessageEvent<string>) => end(data === "" ? null : data);
      worker.onerror = (event) => {
        event.preventDefault();
        end(event.message);
      };
    }),
  env: (name) => Promise.resolve(Deno.env.get(name) === undefined ? null : `saw ${name}`),
};
