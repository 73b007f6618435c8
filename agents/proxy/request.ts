/**
 * The first bytes of a connection to the proxy, read strictly: two programs that read one request differently are how
 * such proxies are tricked, so whatever has two readings is refused.
 */
import { isHostName } from "../permissions/hosts.ts";

/** Where to; the host without brackets and in lower case. */
export interface Destination {
  host: string;
  port: number;
}

export type ProxyRequest =
  | { kind: "tunnel"; to: Destination }
  | {
    kind: "forward";
    to: Destination;
    method: string;
    /** What the host is asked for. */
    path: string;
    /** For the host: without those that are between client and proxy. */
    headers: string[];
    /** Bytes that follow the head. */
    bodyBytes: number;
  };

/** A request that is none, or that is not carried out. */
export class BadRequest extends Error {
  override name = "BadRequest";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Between two neighbours: RFC 9110, 7.6.1, and what clients say to proxies. */
const hopByHop = new Set(
  ["connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate"]
    .concat("te", "trailer", "transfer-encoding", "upgrade", "host", "expect"),
);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const MAX_HEADERS = 100;

/** Reads a head: all up to its empty line, which is left out. Throws `BadRequest`. */
export function readRequest(head: string): ProxyRequest {
  const [line = "", ...rest] = head.split("\r\n");
  const [, method, target] = /^([A-Z]{1,20}) (\S{1,8192}) HTTP\/1\.[01]$/.exec(line) ?? [];
  if (!method || !target) throw new BadRequest(400, "this is no request to an HTTP proxy");
  const headers = readHeaders(rest);
  if (method === "CONNECT") return { kind: "tunnel", to: destination(target, null) };
  const [, authority, path = ""] = /^http:\/\/([^/?#\\]+)([/?][!-~]*)?$/i.exec(target) ?? [];
  if (authority === undefined || path.includes("#")) {
    throw new BadRequest(400, "only whole http:// addresses are passed on; use CONNECT for others");
  }
  const to = destination(authority, 80);
  const hosts = valuesOf(headers, "host");
  if (hosts.length > 1 || hosts.some((host) => !isSame(destination(host, 80), to))) {
    throw new BadRequest(400, "its Host header names another host than its address");
  }
  return {
    kind: "forward",
    to,
    method,
    path: path.startsWith("/") ? path : `/${path}`,
    headers: forwarded(headers),
    bodyBytes: bodyBytesOf(headers),
  };
}

type Header = readonly [name: string, value: string];

function readHeaders(lines: string[]): Header[] {
  if (lines.length > MAX_HEADERS) throw new BadRequest(431, "it has too many headers");
  return lines.map((line): Header => {
    const [, name = "", value = ""] = /^([^:]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*$/.exec(line) ?? [];
    if (!TOKEN.test(name)) throw new BadRequest(400, "one of its headers can't be read");
    return [name.toLowerCase(), value];
  });
}

const valuesOf = (headers: readonly Header[], name: string): string[] =>
  headers.flatMap(([other, value]) => other === name ? [value] : []);

/** `defaultPort` null: it must be named. A name with a dot at its end is the same without. */
function destination(authority: string, defaultPort: number | null): Destination {
  const [, bracketed, plain, portText] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const host = (bracketed ?? plain ?? "").toLowerCase().replace(/\.$/, "");
  const port = portText === undefined ? defaultPort : Number(portText);
  const isRead = bracketed === undefined ? isHostName(host) : host.includes(":");
  if (!isRead || port === null || port < 1 || port > 65_535) {
    throw new BadRequest(400, "the host and port that it asks for can't be read");
  }
  return { host, port };
}

const isSame = (a: Destination, b: Destination): boolean => a.host === b.host && a.port === b.port;

function forwarded(headers: readonly Header[]): string[] {
  const named = valuesOf(headers, "connection").flatMap((value) =>
    value.toLowerCase().split(",").map((name) => name.trim())
  );
  return headers.flatMap(([name, value]) =>
    hopByHop.has(name) || named.includes(name) ? [] : [`${name}: ${value}`]
  );
}

/** With one length, what belongs to the request and what comes after it can't be taken for each other. */
function bodyBytesOf(headers: readonly Header[]): number {
  if (valuesOf(headers, "transfer-encoding").length > 0) {
    throw new BadRequest(411, "a body without a length is not passed on; send Content-Length");
  }
  const lengths = new Set(valuesOf(headers, "content-length"));
  if (lengths.size > 1) throw new BadRequest(400, "it has two lengths");
  const [length = "0"] = lengths;
  if (!/^\d{1,12}$/.test(length)) throw new BadRequest(400, "its length can't be read");
  return Number(length);
}
