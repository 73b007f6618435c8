/**
 * Rules for hosts: `registry.npmjs.org`, `*.example.com` (what lies below it, not itself), `*` (any), each at the
 * ports of the web (80 and 443), or with the one port that it names: `registry.lan:4873`.
 */

/** Whether a pattern covers a host name, given without a port. An IP address only matches itself. */
export function hostMatches(pattern: string, host: string): boolean {
  const [wanted, name] = [normal(pattern), normal(host)];
  if (wanted === "" || name === "") return false;
  if (wanted === "*" || wanted === name) return true;
  if (!wanted.startsWith("*.") || isHostAddress(name)) return false;
  const suffix = wanted.slice(1);
  return !suffix.slice(1).includes("*") && name.length > suffix.length && name.endsWith(suffix);
}

/** A rule, taken apart. */
export interface HostRule {
  /** Pattern for `hostMatches`; an IPv6 address without brackets. */
  host: string;
  /** Null: those of the web. */
  port: number | null;
}

/** Without a port in a rule. */
const WEB_PORTS: readonly number[] = [80, 443];
const MAX_PORT = 65_535;
const MAX_NAME_CHARS = 253;
const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}$/;
const IPV6 = /^[0-9a-f:]+(?:\.\d+){0,3}$/;

/** Null: nobody can say what it means, so it permits nothing. */
export function readHostRule(text: string): HostRule | null {
  const [, bracketed, plain, portText] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim().toLowerCase()) ?? [];
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (port < 1 || port > MAX_PORT)) return null;
  const host = bracketed === undefined ? (plain ?? "").replace(/\.$/, "") : bracketed;
  const isRead = bracketed === undefined
    ? host === "*" || isHostName(host.replace(/^\*\./, "")) && !/^\*\.[\d.]+$/.test(host)
    : bracketed.includes(":") && IPV6.test(bracketed);
  return isRead ? { host, port } : null;
}

export const isHostRule = (text: string): boolean => readHostRule(text) !== null;

/**
 * Whether a client can mean one host by it: a name, or an IPv4 address in its usual form. What ends in a number but is
 * no such address (`127.1`, `0x7f.1`, `2130706433`) is an address to some programs, and a name to others.
 */
export function isHostName(host: string): boolean {
  if (host.length > MAX_NAME_CHARS || !NAME.test(host)) return false;
  return !/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(host) || IPV4.test(host);
}

/** The rules that permit a port of a host, given without brackets. */
export function rulesFor(rules: readonly string[], host: string, port: number): HostRule[] {
  return rules.flatMap((text) => {
    const rule = readHostRule(text);
    if (!rule || !hostMatches(rule.host, host)) return [];
    const fits = rule.port === null ? WEB_PORTS.includes(port) : rule.port === port;
    return fits ? [rule] : [];
  });
}

/** Names one host and one port of it: whoever wrote that knows which program answers there. */
export const isExplicit = ({ host, port }: HostRule): boolean =>
  port !== null && !host.includes("*");

const normal = (host: string): string => host.trim().toLowerCase().replace(/\.$/, "");

/** Whether a host is given by its IP address. */
export const isHostAddress = (name: string): boolean =>
  name.includes(":") || /^[\d.]+$|^0x/.test(name);
