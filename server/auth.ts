/**
 * Local mode: no login, one implicit owner, and only this machine's own pages and programs may ask. A page of
 * another site can make the browser send requests here, or point its own name at 127.0.0.1; both are refused
 * by the headers that the browser sets and the page can't change.
 */
import type { MiddlewareHandler } from "hono";
import type { Env } from "./api.ts";
import { actingAs, type App } from "./app.ts";
import { AppError } from "./errors.ts";

/** A request from elsewhere. Its answer shows nothing but the reason. */
export class ForeignRequest extends AppError {
  override name = "ForeignRequest";
  constructor(message: string) {
    super("forbidden", message);
  }
}

export interface LocalAddress {
  /** The configured host. */
  host: string;
  /** The port that is listened on; 0 while it is not known. */
  port: () => number;
}

/** Lets the owner's requests through, as the actor "owner"; throws `ForeignRequest` for all others. */
export function localOwner(app: App, address: LocalAddress): MiddlewareHandler<Env> {
  const owner = actingAs(app, "owner");
  const names = new Set(["localhost", "127.0.0.1", "[::1]", bracketed(address.host)]);
  return async (c, next) => {
    const host = (c.req.header("host") ?? new URL(c.req.url).host).toLowerCase();
    refuseForeignHost(host, names, address.port());
    refuseForeignOrigin(host, c.req.method, (name) => c.req.header(name));
    c.set("app", owner);
    await next();
  };
}

/** Whether only programs of this machine reach what listens there. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

const bracketed = (host: string): string => {
  const name = host.toLowerCase();
  return name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
};

const HOST_SHOWN_CHARS = 100;

function refuseForeignHost(host: string, names: Set<string>, port: number): void {
  const [, name, given] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(host) ?? [];
  const ours = name !== undefined && names.has(name) &&
    (given === undefined || port === 0 || Number(given) === port);
  if (ours) return;
  throw new ForeignRequest(
    `Cannot answer: the address "${host.slice(0, HOST_SHOWN_CHARS)}" is not this server's. ` +
      `Open http://127.0.0.1${port === 0 ? "" : `:${port}`}`,
  );
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * `Origin` must be ours wherever it is sent. Forms of pages with the referrer policy "no-referrer" send
 * `Origin: null`; then `Sec-Fetch-Site` has to say that it is us. Programs send neither.
 */
function refuseForeignOrigin(
  host: string,
  method: string,
  header: (name: string) => string | undefined,
): void {
  const origin = header("origin");
  const site = header("sec-fetch-site");
  const sameSite = site === "same-origin" || site === "none";
  const ours = origin === undefined || origin === `http://${host}` ||
    origin === `https://${host}` || (origin === "null" && sameSite);
  if (ours && (site === undefined || sameSite || SAFE_METHODS.has(method))) return;
  throw new ForeignRequest(
    "Cannot do it: the request comes from another site. Open Gaffer's own page and do it there",
  );
}
