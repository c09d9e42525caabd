import { BlockList, isIPv4 } from "node:net";
import type { SecurityGroupRule } from "@aws-sdk/client-ec2";

/** One emulated load balancer on the bridge. */
export interface GuardedAddress {
  /** IPv4 address on which it listens. */
  address: string;
  port: number;
  /** Ingress rules of all its security groups. */
  rules: SecurityGroupRule[];
}

/** Whether a security group with these ingress rules lets `address` connect to a TCP port. */
export function admits(rules: SecurityGroupRule[], address: string, port: number): boolean {
  return rules.some(
    (rule) => coversPort(rule, port) && rule.CidrIpv4 !== undefined && contains(rule.CidrIpv4, address),
  );
}

function coversPort({ IpProtocol, FromPort = -1, ToPort = -1 }: SecurityGroupRule, port: number): boolean {
  return IpProtocol === "-1" || (IpProtocol === "tcp" && FromPort <= port && port <= ToPort);
}

function contains(cidr: string, address: string): boolean {
  const [network = "", prefix = "32"] = cidr.split("/");
  if (!isIPv4(network) || !isIPv4(address)) {
    return false;
  }
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), "ipv4");
  return list.check(address, "ipv4");
}

/**
 * Which NAT gateway a Pod leaves through: A for an even address, B for an odd one.
 *
 * @param natAddresses public addresses of A and B; with one gateway, every Pod uses it
 */
export function natAddressOf(podAddress: string, natAddresses: string[]): string | undefined {
  const last = Number(podAddress.split(".").at(-1));
  return natAddresses[last % natAddresses.length];
}

/**
 * The input of `iptables-restore --noflush` that replaces `chain` in one step.
 * A packet to a load balancer passes when the group admits the NAT address that its sender leaves from; everything else to
 * it is dropped without an answer, as a security group does.
 */
export function chainRules(chain: string, balancers: GuardedAddress[], natAddresses: string[]): string {
  const lines = balancers.flatMap(({ address, port, rules }) => [
    ...natAddresses.flatMap((natAddress, index) =>
      admits(rules, natAddress, port)
        ? `-A ${chain} -s ${sourceMask(index, natAddresses.length)} -d ${address}/32 -p tcp --dport ${port} -j ACCEPT`
        : [],
    ),
    `-A ${chain} -d ${address}/32 -j DROP`,
  ]);
  return ["*filter", `:${chain} - [0:0]`, ...lines, "COMMIT", ""].join("\n");
}

/** The Pods of one NAT gateway: a mask over the lowest bit of the address. */
function sourceMask(index: number, gateways: number): string {
  return gateways === 1 ? "0.0.0.0/0" : `0.0.0.${index}/0.0.0.1`;
}
