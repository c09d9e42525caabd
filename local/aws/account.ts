import {
  DescribeNatGatewaysCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type SecurityGroupRule,
} from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { AwsClients } from "../providers/aws/clients";

/** The emulated account's one network; everything made for it carries this Name, or one that starts with it. */
export const NETWORK_NAME = "digdag-local";

/** What stands between Pods and load balancers in the emulated account. */
export interface Network {
  /** Public address of NAT gateway A and of NAT gateway B. */
  natAddresses: string[];
  /** Security groups by load balancer name. */
  groups: Record<string, string[]>;
}

/** Id of the emulated network's VPC, once it was seeded. */
export async function findVpc(ec2: EC2Client): Promise<string | undefined> {
  const { Vpcs } = await ec2.send(
    new DescribeVpcsCommand({ Filters: [{ Name: "tag:Name", Values: [NETWORK_NAME] }] }),
  );
  return Vpcs?.[0]?.VpcId;
}

/** The NAT gateways that are in use, A before B, as their names say. */
export async function findNatGateways(
  ec2: EC2Client,
  vpcId: string,
): Promise<{ name: string; address: string }[]> {
  const { NatGateways } = await ec2.send(
    new DescribeNatGatewaysCommand({
      Filter: [
        { Name: "vpc-id", Values: [vpcId] },
        { Name: "state", Values: ["available"] },
      ],
    }),
  );
  return (NatGateways ?? [])
    .map((gateway) => ({
      name: gateway.Tags?.find(({ Key }) => Key === "Name")?.Value ?? "",
      address: gateway.NatGatewayAddresses?.[0]?.PublicIp ?? "",
    }))
    .sort((left, right) => left.name.localeCompare(right.name));
}

/** Reads the network as the account holds it now. */
export async function readNetwork(clients: AwsClients, loadBalancerNames: string[]): Promise<Network> {
  const vpcId = await findVpc(clients.ec2);
  if (!vpcId) {
    throw new Error("the emulated account has no network yet: it was not seeded, or moto was restarted");
  }
  const gateways = await findNatGateways(clients.ec2, vpcId);
  const { LoadBalancers } = await clients.loadBalancing.send(
    new DescribeLoadBalancersCommand({ Names: loadBalancerNames }),
  );
  return {
    natAddresses: gateways.map(({ address }) => address),
    groups: Object.fromEntries(
      (LoadBalancers ?? []).map(({ LoadBalancerName = "", SecurityGroups = [] }) => [
        LoadBalancerName,
        SecurityGroups,
      ]),
    ),
  };
}

/** The ingress rules of some security groups, by group id. */
export async function readIngressRules(
  ec2: EC2Client,
  groupIds: string[],
): Promise<Record<string, SecurityGroupRule[]>> {
  const { SecurityGroupRules } = await ec2.send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: "group-id", Values: groupIds }] }),
  );
  const ingress = (SecurityGroupRules ?? []).filter(({ IsEgress }) => !IsEgress);
  return Object.fromEntries(groupIds.map((id) => [id, ingress.filter(({ GroupId }) => GroupId === id)]));
}
