/** What kind of address a name has led to: only public ones are reached without anyone having named them. */
import ipaddr from "ipaddr.js";

/**
 * `inner`: of somebody's own network, or of none. `own`: this machine's loopback. `never`: what no client has any
 * business with: link-local and so the metadata of cloud machines, multicast, unassigned, and what hides another one.
 */
export type AddressKind = "public" | "inner" | "own" | "never";

const byRange: Record<string, AddressKind> = {
  unicast: "public",
  private: "inner",
  carrierGradeNat: "inner",
  uniqueLocal: "inner",
  benchmarking: "inner",
  loopback: "own",
};

/** Metadata and agents of cloud machines that do not lie in the link-local range. */
const metadata: readonly string[] = [
  "168.63.129.16",
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254",
];
/** Reserved for documents; some networks use them all the same. */
const documents = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"];
/** Which the library takes for public ones. */
const deprecated = ["fec0::/10", "::/96"];

/** Of an address in any spelling that a resolver gives; what is none is `never`. */
export function kindOfAddress(text: string): AddressKind {
  if (!ipaddr.isValid(text) || text.includes("%")) return "never";
  const address = ipaddr.process(text); // an IPv4 address in an IPv6 one counts as what it is
  if (metadata.some((one) => ipaddr.parse(one).toString() === address.toString())) return "never";
  if (isIn(address, documents)) return "inner";
  if (address.range() === "rfc6052") {
    return kindOfAddress(embedded(address)) === "public" ? "public" : "never";
  }
  const kind = byRange[address.range()] ?? "never";
  return kind === "public" && isIn(address, deprecated) ? "never" : kind;
}

/** Of networks that have IPv6 alone: the IPv4 address that a gateway of theirs connects to. */
const embedded = (address: ipaddr.IPv4 | ipaddr.IPv6): string =>
  address.toByteArray().slice(-4).join(".");

const isIn = (address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly string[]): boolean =>
  ranges.some((range) => {
    const [base, bits] = ipaddr.parseCIDR(range);
    return base.kind() === address.kind() && address.match(base, bits);
  });

/** Whether two texts are one address. */
export const isSameAddress = (a: string, b: string): boolean =>
  ipaddr.isValid(a) && ipaddr.isValid(b) &&
  ipaddr.process(a).toString() === ipaddr.process(b).toString();
