/** Opens the way to where a verdict leads: to the checked address itself, or through the server's own proxy. */
import { CONNECT_MS, MAX_HEAD_BYTES } from "./limits.ts";
import type { Verdict } from "./judge.ts";
import { credentialsOf } from "./outer.ts";
import { closeQuietly, type Duplex, writeAll } from "./pipe.ts";
import { readHead } from "./head.ts";
import type { ProxyRequest } from "./request.ts";
import { within } from "./within.ts";

export type Connect = (address: { hostname: string; port: number; tls?: true }) => Promise<Duplex>;

/** As the system does it. */
export const systemConnect: Connect = async ({ hostname, port, tls }) =>
  tls ? await Deno.connectTls({ hostname, port }) : await Deno.connect({ hostname, port });

/** Null: it does not answer, or the outer proxy refuses. For a tunnel it is ready for the client's bytes. */
export async function open(
  request: ProxyRequest,
  { addresses, outer }: Extract<Verdict, { allowed: true }>,
  connect: Connect,
): Promise<Duplex | null> {
  const { port } = request.to;
  if (outer) return await openOuter(request, outer, connect);
  for (const hostname of addresses) {
    const conn = await inTime(connect({ hostname, port }));
    if (conn) return conn;
  }
  return null;
}

async function openOuter(request: ProxyRequest, outer: URL, connect: Connect) {
  const tls = outer.protocol === "https:";
  const conn = await inTime(connect({
    hostname: outer.hostname.replace(/^\[|\]$/g, ""),
    port: Number(outer.port) || (tls ? 443 : 80),
    ...tls && { tls },
  }));
  if (!conn || request.kind === "forward") return conn;
  const target = authorityOf(request.to);
  const credentials = credentialsOf(outer);
  const lines = [
    `CONNECT ${target} HTTP/1.1`,
    `Host: ${target}`,
    ...credentials ? [`Proxy-Authorization: ${credentials}`] : [],
  ];
  try {
    await writeAll(conn, new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    const answer = await within(CONNECT_MS, readHead(conn, MAX_HEAD_BYTES));
    if (answer && /^HTTP\/1\.[01] 2\d\d/.test(answer.head) && answer.rest.length === 0) return conn;
  } catch {
    // It broke off: told as one that does not answer.
  }
  closeQuietly(conn);
  return null;
}

/** A connection that comes too late is closed again. */
async function inTime(connecting: Promise<Duplex>): Promise<Duplex | null> {
  let late = false;
  const conn = connecting.then((conn) => {
    if (!late) return conn;
    closeQuietly(conn);
    return null;
  }).catch(() => null); // refused, unreachable: the next address may answer
  const first = await within(CONNECT_MS, conn);
  late = first === null;
  return first;
}

/** A host and port as requests write them. */
export const authorityOf = ({ host, port }: ProxyRequest["to"]): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;
