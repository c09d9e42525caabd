import { BlockList, isIPv4 } from "node:net";

/** Ranges that no packet on the internet comes from, so that a rule for them is a mistake (RFC 6890). */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["224.0.0.0", 3],
] as const) {
  notPublic.addSubnet(network, prefix);
}

/** What the rules for Digdag can admit: the addresses of NAT gateways, or the security group that the runners' traffic carries. */
export const accessWays = ["natGateways", "securityGroup"] as const;
export type AccessWay = (typeof accessWays)[number];

/** `203.0.113.10/32` without its prefix; anything else unchanged. */
export function withoutPrefix(address: string): string {
  return address.replace(/\/32$/, "");
}

/**
 * Why `address` cannot be what a NAT gateway sends from, or undefined when it can: one public IPv4 address, with `/32`
 * or without.
 */
export function natAddressProblem(address: string): string | undefined {
  const [host = "", ...prefixes] = address.split("/");
  if (!isIPv4(host)) return "must be one public IPv4 address, such as 203.0.113.10";
  if (prefixes.some((prefix) => prefix !== "32") || prefixes.length > 1) {
    return "would open Digdag to a whole range; give each NAT gateway's address by itself, without a prefix or as /32";
  }
  if (notPublic.check(host)) {
    return "is not a public address; an internet-facing ALB sees the public address of the NAT gateway, never a private one";
  }
  return undefined;
}

/** The widest range that `publicRangeProblem` accepts, as the length of its prefix. */
const widestRange = 16;

/**
 * Why `range` cannot be what the Kubernetes API admits, or undefined when it can: a public IPv4 range of at most 65536
 * addresses, or one address.
 */
export function publicRangeProblem(range: string): string | undefined {
  const [, host = "", prefix = ""] = /^([^/]*)\/(\d{1,2})$/.exec(range) ?? [];
  const length = Number(prefix);
  if (!isIPv4(host) || length > 32 || prefix !== String(length))
    return "must be a public IPv4 range, such as 203.0.113.0/24";
  if (length < widestRange)
    return `would open the Kubernetes API to more than 65536 addresses; name the ranges that people and CI come from, /${widestRange} or narrower`;
  if (notPublic.check(host)) return "is not public; whoever is inside the VPC is admitted anyway";
  return undefined;
}
