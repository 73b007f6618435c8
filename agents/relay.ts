/**
 * In a sandbox, what programs take for an HTTP proxy: it listens on the sandbox's own loopback and passes bytes on to
 * the socket that the sandbox was given. It decides nothing: whoever goes round it finds the same proxy.
 */
import { closeQuietly, joinPipes } from "./proxy/pipe.ts";

/** The sandbox's loopback is its own, so that nothing else can have it. */
export const RELAY_PORT = 3128;
/** Where a sandbox shows the socket. */
export const RELAY_SOCKET = "/run/gaffer/proxy";

/** As many as the proxy serves, and some more, which it refuses. */
const MAX_CONNECTIONS = 80;

const address = `http://127.0.0.1:${RELAY_PORT}`;
const inside = "localhost,127.0.0.1,::1";

/** What tells programs of it: curl, git, npm, pip, cargo, go, deno, and Node where it is asked to. */
export const relayEnvironment: Readonly<Record<string, string>> = {
  HTTP_PROXY: address,
  HTTPS_PROXY: address,
  ALL_PROXY: address,
  NO_PROXY: inside,
  http_proxy: address,
  https_proxy: address,
  all_proxy: address,
  no_proxy: inside,
  NODE_USE_ENV_PROXY: "1",
  // They bring certificates of their own. Where a company looks into TLS, only the machine's know its own.
  NODE_USE_SYSTEM_CA: "1",
  DENO_TLS_CA_STORE: "system,mozilla",
  // It would ask on a host of its own.
  DENO_NO_UPDATE_CHECK: "1",
};

/** Listens at once; for as long as the process lives. */
export function startRelay(socket = RELAY_SOCKET, port = RELAY_PORT): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  void acceptAll(listener, socket);
  return listener;
}

async function acceptAll(listener: Deno.TcpListener, socket: string): Promise<void> {
  let open = 0;
  for await (const conn of listener) {
    if (open >= MAX_CONNECTIONS) {
      closeQuietly(conn);
      continue;
    }
    open++;
    void pass(conn, socket).finally(() => open--);
  }
}

/** Never rejects: one that breaks off is over, and its client sees that. */
async function pass(conn: Deno.TcpConn, path: string): Promise<void> {
  try {
    const upstream = await Deno.connect({ transport: "unix", path });
    await joinPipes(conn, upstream);
  } catch {
    closeQuietly(conn);
  }
}
