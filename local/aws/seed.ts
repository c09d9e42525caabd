import {
  AllocateAddressCommand,
  CreateNatGatewayCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  type ResourceType,
} from "@aws-sdk/client-ec2";
import { CreateClusterCommand, DescribeClusterCommand } from "@aws-sdk/client-eks";
import {
  CreateLoadBalancerCommand,
  DescribeLoadBalancersCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { type AwsClients, createClients } from "../providers/aws/clients";
import { unlessMissing } from "../providers/aws/missing";
import { findNatGateways, findVpc, NETWORK_NAME, type Network, readNetwork } from "./account";
import type { Stack } from "./stacks";

/** Two availability zones, each with a public and a private subnet and a NAT gateway with an address for documentation. */
const ZONES = [
  { zone: "a", public: "10.0.0.0/24", private: "10.0.10.0/24", natAddress: "203.0.113.10" },
  { zone: "c", public: "10.0.1.0/24", private: "10.0.11.0/24", natAddress: "198.51.100.20" },
] as const;

/**
 * Puts into the emulated account what a team has before it uses this product: a VPC with two NAT gateways and, for each
 * stack, an EKS cluster, Digdag's internet-facing ALB with a security group of its own, and the SSM parameter with the
 * GitHub credential. What is there already stays; the parameter is always set.
 *
 * @param endpoint URL of moto
 * @param tokens GitHub credential by stack name
 * @returns the addresses and security groups that were made or found
 */
export async function seedAccount(
  endpoint: string,
  stacks: Stack[],
  tokens: Record<string, string>,
): Promise<Network> {
  const [region] = new Set(stacks.map((stack) => stack.region));
  if (region === undefined || stacks.some((stack) => stack.region !== region)) {
    throw new Error(
      "the emulated account is in one region, so every stack file must name the same aws:region",
    );
  }
  const clients = createClients(endpoint, region);
  if (!(await findVpc(clients.ec2))) {
    // moto's identifiers are the same again after a restart, so that a state of Pulumi can be refreshed against it.
    await fetch(`${endpoint}/moto-api/seed?a=1`, { method: "POST" });
  }
  const vpcId = await ensureVpc(clients);
  const subnets = await ensureSubnets(clients, vpcId);
  await ensureNatGateways(clients, vpcId, subnets);
  for (const stack of stacks) {
    await ensureCluster(clients, stack, subnets.private);
    await ensureLoadBalancer(clients, stack, vpcId, subnets.public);
    await setToken(clients, stack, tokens[stack.stack]);
  }
  return readNetwork(
    clients,
    stacks.map((stack) => stack.loadBalancerName),
  );
}

const named = (ResourceType: ResourceType, name: string) => [
  { ResourceType, Tags: [{ Key: "Name", Value: name }] },
];

async function ensureVpc({ ec2 }: AwsClients): Promise<string> {
  const found = await findVpc(ec2);
  if (found) {
    return found;
  }
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock: "10.0.0.0/16", TagSpecifications: named("vpc", NETWORK_NAME) }),
  );
  return made(Vpc?.VpcId, "VPC");
}

interface Subnets {
  /** Ids in the order of the zones. */
  public: string[];
  private: string[];
}

async function ensureSubnets({ ec2, region }: AwsClients, vpcId: string): Promise<Subnets> {
  const existing = await ec2.send(
    new DescribeSubnetsCommand({ Filters: [{ Name: "vpc-id", Values: [vpcId] }] }),
  );
  const ensure = async (zone: string, cidr: string, kind: string) => {
    const found = existing.Subnets?.find(({ CidrBlock }) => CidrBlock === cidr)?.SubnetId;
    if (found) {
      return found;
    }
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({
        VpcId: vpcId,
        CidrBlock: cidr,
        AvailabilityZone: `${region}${zone}`,
        TagSpecifications: named("subnet", `${NETWORK_NAME}-${kind}-${zone}`),
      }),
    );
    return made(Subnet?.SubnetId, "subnet");
  };
  const subnets: Subnets = { public: [], private: [] };
  for (const { zone, public: publicCidr, private: privateCidr } of ZONES) {
    subnets.public.push(await ensure(zone, publicCidr, "public"));
    subnets.private.push(await ensure(zone, privateCidr, "private"));
  }
  return subnets;
}

async function ensureNatGateways({ ec2 }: AwsClients, vpcId: string, subnets: Subnets): Promise<void> {
  const existing = await findNatGateways(ec2, vpcId);
  for (const [index, { zone, natAddress }] of ZONES.entries()) {
    const name = `${NETWORK_NAME}-nat-${zone}`;
    if (existing.some((gateway) => gateway.name === name)) {
      continue;
    }
    const { AllocationId } = await ec2.send(
      new AllocateAddressCommand({ Domain: "vpc", Address: natAddress }),
    );
    await ec2.send(
      new CreateNatGatewayCommand({
        SubnetId: subnets.public[index],
        AllocationId,
        TagSpecifications: named("natgateway", name),
      }),
    );
  }
}

async function ensureCluster({ eks }: AwsClients, stack: Stack, subnetIds: string[]): Promise<void> {
  const name = stack.clusterName;
  const found = await unlessMissing("ResourceNotFoundException", () =>
    eks.send(new DescribeClusterCommand({ name })),
  );
  if (!found) {
    await eks.send(
      new CreateClusterCommand({
        name,
        version: "1.35",
        roleArn: "arn:aws:iam::123456789012:role/eks-cluster",
        resourcesVpcConfig: { subnetIds },
      }),
    );
  }
}

async function ensureLoadBalancer(
  clients: AwsClients,
  stack: Stack,
  vpcId: string,
  subnets: string[],
): Promise<void> {
  const name = stack.loadBalancerName;
  const found = await unlessMissing(["LoadBalancerNotFoundException", "LoadBalancerNotFound"], () =>
    clients.loadBalancing.send(new DescribeLoadBalancersCommand({ Names: [name] })),
  );
  if (found?.LoadBalancers?.length) {
    return;
  }
  await clients.loadBalancing.send(
    new CreateLoadBalancerCommand({
      Name: name,
      Type: "application",
      Scheme: "internet-facing",
      Subnets: subnets,
      SecurityGroups: [await ensureGroup(clients, `${name}-alb`, vpcId)],
    }),
  );
}

async function ensureGroup({ ec2 }: AwsClients, name: string, vpcId: string): Promise<string> {
  const { SecurityGroups } = await ec2.send(
    new DescribeSecurityGroupsCommand({
      Filters: [
        { Name: "group-name", Values: [name] },
        { Name: "vpc-id", Values: [vpcId] },
      ],
    }),
  );
  const found = SecurityGroups?.[0]?.GroupId;
  if (found) {
    return found;
  }
  const group = await ec2.send(
    new CreateSecurityGroupCommand({
      GroupName: name,
      Description: "ALB in front of Digdag",
      VpcId: vpcId,
      TagSpecifications: named("security-group", name),
    }),
  );
  return made(group.GroupId, "security group");
}

async function setToken({ ssm }: AwsClients, stack: Stack, token: string | undefined): Promise<void> {
  if (!token) {
    throw new Error(`no GitHub credential was given for the stack ${stack.stack}`);
  }
  await ssm.send(
    new PutParameterCommand({ Name: stack.parameter, Value: token, Type: "SecureString", Overwrite: true }),
  );
}

function made(id: string | undefined, what: string): string {
  if (!id) {
    throw new Error(`the emulated account made a ${what} without an id`);
  }
  return id;
}
