/** What one place's commands may take of the way to their hosts. Each bounds what hostile bytes can make of the proxy. */

/** At one time; more are answered with 503. */
export const MAX_CONNECTIONS = 64;
/** Of a request's line and headers. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** Until the last byte of them, however slowly they come. */
export const HEAD_MS = 10_000;
/** For a client that is refused to stop sending, and how much of that is read. */
export const LINGER_MS = 2_000;
export const LINGER_BYTES = 1024 * 1024;
/** For a name to be found. */
export const RESOLVE_MS = 5_000;
/** For one address to answer. */
export const CONNECT_MS = 10_000;
/** Addresses of one name that are tried. */
export const MAX_ADDRESSES = 3;
/** In neither direction a byte. */
export const IDLE_MS = 120_000;
/** Of one connection, both directions together. */
export const MAX_CONNECTION_BYTES = 4 * 1024 ** 3;
/** Of all connections of one proxy, which lives as long as its hands. */
export const MAX_ALL_BYTES = 16 * 1024 ** 3;
/** Different hosts, ports and outcomes of one call that are told; the rest are counted. */
export const MAX_TOLD = 40;

/** Changed by tests alone. */
export interface ProxyLimits {
  connections: number;
  headMs: number;
  idleMs: number;
  connectionBytes: number;
  allBytes: number;
}

export const proxyLimits: ProxyLimits = {
  connections: MAX_CONNECTIONS,
  headMs: HEAD_MS,
  idleMs: IDLE_MS,
  connectionBytes: MAX_CONNECTION_BYTES,
  allBytes: MAX_ALL_BYTES,
};
