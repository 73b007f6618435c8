/** Host patterns: `registry.npmjs.org`, `*.example.com` (what lies below it, not itself), `*` (any). */

/** Whether a pattern covers a host name, given without a port. An IP address only matches itself. */
export function hostMatches(pattern: string, host: string): boolean {
  const [wanted, name] = [normal(pattern), normal(host)];
  if (wanted === "" || name === "") return false;
  if (wanted === "*" || wanted === name) return true;
  if (!wanted.startsWith("*.") || isHostAddress(name)) return false;
  const suffix = wanted.slice(1);
  return !suffix.slice(1).includes("*") && name.length > suffix.length && name.endsWith(suffix);
}

const normal = (host: string): string => host.trim().toLowerCase().replace(/\.$/, "");

/** Whether a host is given by its IP address. */
export const isHostAddress = (name: string): boolean =>
  name.includes(":") || /^[\d.]+$|^0x/.test(name);
