/**
 * The address that Gaffer listens on, for as long as it runs: out of files to open, the runtime gives up
 * accepting connections for good (and Deno 2.7 does not even say so), so the address is listened on again.
 */
import { SECOND_MS } from "./clock.ts";
import { AppError, messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import { machineFaultOf, machineFaults } from "./machine_fault.ts";

export interface Listening {
  hostname: string;
  port: number;
  /**
   * Accepts no more connections, and resolves when all requests have been answered; after `graceMs` at the
   * latest, when one takes longer or its client does not read. What is open then ends with the process.
   */
  shutdown(graceMs?: number): Promise<void>;
}

export interface ListenOptions {
  hostname: string;
  /** 0: any free one. */
  port: number;
  handler: (request: Request) => Promise<Response>;
  /** To be spread into those of `Deno.serve`. */
  serveOptions: object;
  log: Log;
}

/** Pause before the address is taken again: some connections have to be closed first. */
const AGAIN_MS = SECOND_MS / 4;
/** How often it is looked whether the address still answers. */
const LOOK_EVERY_MS = 5 * SECOND_MS;

/** Throws `conflict` when the address can't be listened on. */
export function listen({ hostname, port, handler, serveOptions, log }: ListenOptions): Listening {
  /** Null between the loss of one and the start of the next. */
  let server: Deno.HttpServer<Deno.NetAddr> | null = null;
  let address = { hostname, port };
  let closed = false;
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const after = (ms: number, work: () => void, { keepAlive = false } = {}) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!closed) work();
    }, ms);
    if (!keepAlive) Deno.unrefTimer(timer);
    timers.add(timer);
  };

  const start = () => {
    const started = Deno.serve({
      ...serveOptions,
      ...address,
      onListen: (found) => void (address = { hostname: found.hostname, port: found.port }),
    }, handler);
    started.finished.catch((error) => lost(started, error));
    server = started;
  };

  const lost = (which: typeof server, error: unknown) => {
    if (closed || which === null || which !== server) return;
    server = null;
    // An older runtime does not say why; nothing else is known to end it.
    const { what, mend } = machineFaults[machineFaultOf(error) ?? "out_of_files"];
    const fields = { error: messageOf(error), what, mend };
    log.error("connections can't be accepted; the address is taken again", fields);
    // Those that are open and idle are closed, which is what sets files free.
    which.shutdown().catch(() => {}); // it is lost, and its connections with it
    again();
  };

  const again = () =>
    after(AGAIN_MS, () => {
      try {
        start();
      } catch (error) {
        log.error("the address can't be listened on yet", { error: messageOf(error) });
        again();
      }
      // Without a server nothing else might keep the process.
    }, { keepAlive: true });

  const look = () =>
    after(LOOK_EVERY_MS, async () => {
      const looked = server;
      try {
        (await Deno.connect(address)).close();
      } catch (error) {
        // Anything else is our own lack: of files, or of a network.
        if (error instanceof Deno.errors.ConnectionRefused) lost(looked, error);
      }
      if (!closed) look();
    });

  try {
    start();
  } catch (error) {
    throw cannotListen(address, error);
  }
  look();
  return {
    ...address,
    async shutdown(graceMs) {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      const answered = server?.shutdown();
      if (graceMs === undefined) return await answered;
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, graceMs);
      await Promise.race([answered, late.promise]);
      clearTimeout(timer);
    },
  };
}

function cannotListen({ hostname, port }: { hostname: string; port: number }, error: unknown) {
  const why = error instanceof Deno.errors.AddrInUse
    ? `port ${port} is in use. Choose another with --port, or 0 for any free one`
    : `port ${port} of ${hostname} can't be listened on (${messageOf(error)}). ` +
      "Choose others with --host and --port";
  return new AppError("conflict", `Cannot start: ${why}`, [], { cause: error });
}
