/** Whether a destination may be reached, and at which addresses: the only ones that are then connected to. */
import { lookup } from "node:dns/promises";
import { isExplicit, isHostName, rulesFor } from "../permissions/hosts.ts";
import { type AddressKind, isSameAddress, kindOfAddress } from "./addresses.ts";
import { MAX_ADDRESSES, RESOLVE_MS } from "./limits.ts";
import type { OuterProxies } from "./outer.ts";
import type { Destination } from "./request.ts";
import { within } from "./within.ts";

export type Verdict =
  /** `outer`: the way leads through the server's own proxy, which finds the address. */
  | { allowed: true; addresses: string[]; outer: URL | null }
  | { allowed: false; why: string };

export interface JudgeOptions {
  /** See `readHostRule`. */
  rules: readonly string[];
  /** Gaffer's own port, and the addresses of this machine: nobody is led back to the server by any rule. */
  own: { port: number | null; addresses: readonly string[] };
  outer: OuterProxies;
  /** All addresses of a name. Rejects when there is none. */
  resolve: (host: string) => Promise<string[]>;
}

/**
 * A name is looked up once, here, and never again: what it leads to later does not matter (DNS rebinding). Addresses
 * of this machine's or somebody's own network are only for a rule that names one host and one port, and loopback
 * only for one that names loopback itself.
 */
export async function judge(to: Destination, options: JudgeOptions): Promise<Verdict> {
  const { host, port } = to;
  const rules = rulesFor(options.rules, host, port);
  if (rules.length === 0) {
    return refused(
      rulesFor(options.rules, host, 443).length > 0
        ? `port ${port} of it is not among what is allowed`
        : "it is not among the hosts that are allowed",
    );
  }
  const addresses = await addressesOf(host, options);
  const explicit = rules.some(isExplicit);
  const namesLoopback = explicit && (host === "localhost" || kindOf(host) === "own");
  const outer = options.outer.for(to);
  if (addresses.length === 0) {
    // Behind a proxy of their own, machines often can't look up any name but those inside. What lies behind a name
    // then stays unknown here, so that only who has written something of it is led there.
    const isNamed = rules.some((rule) => rule.host !== "*");
    return outer && isNamed
      ? { allowed: true, addresses, outer }
      : refused("there is no host of this name");
  }
  const isOwn = (address: string) =>
    port === options.own.port &&
    (kindOfAddress(address) === "own" ||
      options.own.addresses.some((one) => isSameAddress(one, address)));
  const mayReach: Record<AddressKind, boolean> = {
    public: true,
    inner: explicit,
    own: namesLoopback,
    never: false,
  };
  const open = addresses.filter((one) => mayReach[kindOfAddress(one)] && !isOwn(one));
  if (open.length === 0) {
    const isPrivate = addresses.some((one) => kindOfAddress(one) === "inner" && !isOwn(one));
    return refused(
      isPrivate
        ? "it leads to a private network, which only a rule that names the host with its port opens"
        : "it leads to an address of this machine, or to one that no rule opens",
    );
  }
  const inside = open.filter((one) => kindOfAddress(one) !== "public");
  // What is inside is reached directly: the way out of the house does not lead there.
  return inside.length > 0 || !outer
    ? {
      allowed: true,
      addresses: (inside.length > 0 ? inside : open).slice(0, MAX_ADDRESSES),
      outer: null,
    }
    : { allowed: true, addresses: [], outer };
}

const refused = (why: string): Verdict => ({ allowed: false, why });

const kindOf = (host: string): AddressKind | null =>
  host.includes(":") || /^[\d.]+$/.test(host) ? kindOfAddress(host) : null;

/** Empty: there is none, or it was not found in time. */
async function addressesOf(host: string, { resolve }: JudgeOptions): Promise<string[]> {
  if (kindOf(host) !== null) return [host];
  if (!isHostName(host)) return [];
  return await within(RESOLVE_MS, resolve(host)).catch(() => []) ?? [];
}

/** As the system does it, by its file of hosts and its resolver. */
export const systemResolve = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);
