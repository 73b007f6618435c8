/**
 * The way from a sandbox to the hosts that somebody has allowed: an HTTP proxy (CONNECT, and plain http) on a Unix
 * socket. It looks at where a connection leads, and at nothing that goes through it afterwards.
 */
import { authorityOf, type Connect, open, systemConnect } from "./connect.ts";
import { readHead } from "./head.ts";
import { judge, type JudgeOptions, systemResolve } from "./judge.ts";
import {
  LINGER_BYTES,
  LINGER_MS,
  MAX_HEAD_BYTES,
  type ProxyLimits,
  proxyLimits,
} from "./limits.ts";
import { credentialsOf } from "./outer.ts";
import { closeQuietly, type Duplex, joinPipes, passOn, writeAll } from "./pipe.ts";
import { BadRequest, type ProxyRequest, readRequest } from "./request.ts";
import { Uses } from "./uses.ts";
import { within } from "./within.ts";

export interface ProxyOptions extends Omit<JudgeOptions, "resolve"> {
  resolve?: JudgeOptions["resolve"];
  connect?: Connect;
  limits?: Partial<ProxyLimits>;
}

export class Proxy {
  readonly uses = new Uses();
  readonly #options: JudgeOptions;
  readonly #connect: Connect;
  readonly #limits: ProxyLimits;
  readonly #open = new Set<Duplex>();
  #bytes = 0;

  constructor({ resolve = systemResolve, connect = systemConnect, limits, ...rest }: ProxyOptions) {
    this.#options = { ...rest, resolve };
    this.#connect = connect;
    this.#limits = { ...proxyLimits, ...limits };
  }

  /** Serves until the listener is closed, then ends all connections. */
  async serve(listener: AsyncIterable<Duplex>): Promise<void> {
    try {
      for await (const conn of listener) void this.#serve(conn);
    } finally {
      for (const conn of this.#open) closeQuietly(conn);
    }
  }

  /** Never rejects: what goes wrong with a connection is told to its client, and ends it. */
  async #serve(conn: Duplex): Promise<void> {
    if (this.#open.size >= this.#limits.connections) {
      await answer(conn, 503, "too many connections at once").catch(() => {}); // it is gone
      return closeQuietly(conn);
    }
    this.#open.add(conn);
    try {
      await this.#follow(conn);
    } catch (error) {
      if (error instanceof BadRequest) {
        this.uses.add({ host: "", port: 0, allowed: false, why: error.message });
        await refuse(conn, error.status, error.message).catch(() => {}); // it is gone
      }
      // Anything else: one of the two sides broke off, or reached a limit.
    } finally {
      closeQuietly(conn);
      this.#open.delete(conn);
    }
  }

  async #follow(conn: Duplex): Promise<void> {
    const reading = readHead(conn, MAX_HEAD_BYTES);
    reading.catch(() => {}); // when it comes too late
    const read = await within(this.#limits.headMs, reading);
    if (!read) return;
    const request = readRequest(read.head);
    const verdict = await judge(request.to, this.#options);
    if (!verdict.allowed) {
      this.uses.add({ ...request.to, allowed: false, why: verdict.why });
      return await refuse(conn, 403, `${authorityOf(request.to)}: ${verdict.why}`);
    }
    const upstream = await open(request, verdict, this.#connect);
    const why = upstream ? {} : { why: "it did not answer" };
    this.uses.add({ ...request.to, allowed: true, ...why });
    if (!upstream) return await answer(conn, 502, `${authorityOf(request.to)} did not answer`);
    this.#open.add(upstream);
    const meter = new Meter(this.#limits, (bytes) => this.#count(bytes), [conn, upstream]);
    try {
      if (request.kind === "tunnel") await tunnel(conn, upstream, read.rest, meter);
      else await forward(conn, upstream, { request, outer: verdict.outer, rest: read.rest, meter });
    } finally {
      meter.stop();
      closeQuietly(upstream);
      this.#open.delete(upstream);
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.allBytes) throw new Error("too many bytes in all");
  }
}

/** Ends a connection that is silent, or passes more on than it may. */
class Meter {
  readonly #limits: ProxyLimits;
  readonly #count: (bytes: number) => void;
  readonly #ends: Duplex[];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limits: ProxyLimits, count: (bytes: number) => void, ends: Duplex[]) {
    this.#limits = limits;
    this.#count = count;
    this.#ends = ends;
    this.#watch();
  }

  add = (bytes: number): void => {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.connectionBytes) throw new Error("too many bytes");
    this.#count(bytes);
    this.#watch();
  };

  stop(): void {
    clearTimeout(this.#timer);
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ends.forEach(closeQuietly), this.#limits.idleMs);
  }
}

async function tunnel(conn: Duplex, upstream: Duplex, rest: Uint8Array, meter: Meter) {
  await writeAll(conn, encode("HTTP/1.1 200 Connection established\r\n\r\n"));
  meter.add(rest.length);
  await writeAll(upstream, rest);
  await joinPipes(conn, upstream, meter.add);
}

/** One request a connection: what a client sends behind it is for nobody. */
async function forward(
  conn: Duplex,
  upstream: Duplex,
  { request, outer, rest, meter }: {
    request: Extract<ProxyRequest, { kind: "forward" }>;
    outer: URL | null;
    rest: Uint8Array;
    meter: Meter;
  },
): Promise<void> {
  const { method, path, headers, bodyBytes, to } = request;
  const authority = to.port === 80 ? authorityOf(to).replace(/:80$/, "") : authorityOf(to);
  const credentials = outer && credentialsOf(outer);
  const head = [
    `${method} ${outer ? `http://${authority}` : ""}${path} HTTP/1.1`,
    `host: ${authority}`,
    ...headers,
    ...credentials ? [`proxy-authorization: ${credentials}`] : [],
    "connection: close",
  ];
  await writeAll(upstream, encode(`${head.join("\r\n")}\r\n\r\n`));
  const body = rest.subarray(0, bodyBytes);
  meter.add(body.length);
  await writeAll(upstream, body);
  const sending = passOn(conn, upstream, meter.add, bodyBytes - body.length);
  await Promise.all([sending, passOn(upstream, conn, meter.add)]);
}

/** A refusal that a person finds in a program's output: some show its first line alone. */
async function answer(conn: Duplex, status: number, what: string): Promise<void> {
  const body = `Gaffer's proxy: ${what}\n`;
  const head = [
    `HTTP/1.1 ${status} Refused by Gaffer's proxy`,
    "content-type: text/plain; charset=utf-8",
    `content-length: ${encode(body).length}`,
    "connection: close",
  ];
  await writeAll(conn, encode(`${head.join("\r\n")}\r\n\r\n${body}`));
}

/** The same for a client that may still be sending: closed then, its connection is reset, and what it was told is lost. */
async function refuse(conn: Duplex, status: number, what: string): Promise<void> {
  await answer(conn, status, what);
  await conn.closeWrite();
  await within(LINGER_MS, discard(conn, LINGER_BYTES));
}

/** Reads what still comes, to its end or this many bytes. */
async function discard(conn: Duplex, maxBytes: number): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (let done = 0; done < maxBytes;) {
    const read = await conn.read(buffer).catch(() => null); // it is gone
    if (read === null) return;
    done += read;
  }
}

const encode = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff);
