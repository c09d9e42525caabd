import {
  DescribeAddressesCommand,
  DescribeNatGatewaysCommand,
  DescribeSecurityGroupsCommand,
  type Filter,
  type NatGateway,
} from "@aws-sdk/client-ec2";
import { isObject, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { toTagMap } from "./tags";

/** The filters of a data source: its own `filters`, its `tags`, and the arguments that are filters by another name. */
export function toFilters(args: Values, named: Record<string, unknown>): Filter[] {
  const own = (args.filters ?? []) as { name: string; values: string[] }[];
  const tags = isObject(args.tags) ? args.tags : {};
  return [
    ...own.map(({ name, values }) => ({ Name: name, Values: values })),
    ...Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [String(value)] })),
    ...Object.entries(named).flatMap(([Name, value]) =>
      typeof value === "string" && value !== "" ? [{ Name, Values: [value] }] : [],
    ),
  ];
}

/** The single match that a singular data source wants, or the real provider's error. */
export function single<T>(what: string, found: readonly T[] | undefined): T {
  const [first, ...others] = found ?? [];
  if (first === undefined) {
    throw new Error(`reading ${what}: no matching ${what} found`);
  }
  if (others.length > 0) {
    throw new Error(
      `reading ${what}: ${others.length + 1} match, use additional constraints to reduce to one`,
    );
  }
  return first;
}

/** `aws.ec2.getNatGateways`: in every state, unless a filter says otherwise, as with the real provider. */
export async function getNatGateways({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const answer = await ec2.send(
    new DescribeNatGatewaysCommand({ Filter: toFilters(args, { "vpc-id": args.vpcId }) }),
  );
  return {
    id: region,
    ids: (answer.NatGateways ?? []).map((gateway) => gateway.NatGatewayId),
    filters: args.filters,
    tags: args.tags ?? {},
    vpcId: args.vpcId,
    region,
  };
}

/** `aws.ec2.getNatGateway`. */
export async function getNatGateway({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const answer = await ec2.send(
    new DescribeNatGatewaysCommand({
      NatGatewayIds: typeof args.id === "string" ? [args.id] : undefined,
      Filter: toFilters(args, { state: args.state, "vpc-id": args.vpcId, "subnet-id": args.subnetId }),
    }),
  );
  return { ...describeGateway(single("EC2 NAT Gateway", answer.NatGateways)), filters: args.filters, region };
}

function describeGateway(gateway: NatGateway): Values {
  const addresses = gateway.NatGatewayAddresses ?? [];
  const primary = addresses.find((address) => address.IsPrimary) ?? addresses[0];
  const secondary = addresses.filter((address) => address !== primary);
  const privateAddresses = secondary.flatMap(({ PrivateIp }) => PrivateIp ?? []);
  return {
    id: gateway.NatGatewayId,
    state: gateway.State,
    vpcId: gateway.VpcId,
    subnetId: gateway.SubnetId ?? "",
    connectivityType: gateway.ConnectivityType ?? "public",
    availabilityMode: gateway.AvailabilityMode ?? "zonal",
    allocationId: primary?.AllocationId ?? "",
    associationId: primary?.AssociationId ?? "",
    networkInterfaceId: primary?.NetworkInterfaceId ?? "",
    publicIp: primary?.PublicIp ?? "",
    privateIp: primary?.PrivateIp ?? "",
    secondaryAllocationIds: secondary.flatMap(({ AllocationId }) => AllocationId ?? []),
    secondaryPrivateIpAddresses: privateAddresses,
    secondaryPrivateIpAddressCount: privateAddresses.length,
    autoProvisionZones: "",
    autoScalingIps: "",
    routeTableId: "",
    availabilityZoneAddresses: [],
    regionalNatGatewayAddresses: [],
    tags: toTagMap(gateway.Tags),
  };
}

/** `aws.ec2.getElasticIp`. */
export async function getElasticIp({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const answer = await ec2.send(
    new DescribeAddressesCommand({
      AllocationIds: typeof args.id === "string" ? [args.id] : undefined,
      PublicIps: typeof args.publicIp === "string" ? [args.publicIp] : undefined,
      Filters: toFilters(args, {}),
    }),
  );
  const address = single("EC2 EIP", answer.Addresses);
  return {
    id: address.AllocationId,
    associationId: address.AssociationId ?? "",
    domain: address.Domain ?? "vpc",
    networkInterfaceId: address.NetworkInterfaceId ?? "",
    privateIp: address.PrivateIpAddress ?? "",
    publicIp: address.PublicIp,
    tags: toTagMap(address.Tags),
    filters: args.filters,
    region,
  };
}

/** `aws.ec2.getSecurityGroup`. */
export async function getSecurityGroup({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const answer = await ec2.send(
    new DescribeSecurityGroupsCommand({
      GroupIds: typeof args.id === "string" ? [args.id] : undefined,
      Filters: toFilters(args, { "group-name": args.name, "vpc-id": args.vpcId }),
    }),
  );
  const group = single("EC2 Security Group", answer.SecurityGroups);
  return {
    id: group.GroupId,
    name: group.GroupName,
    description: group.Description,
    vpcId: group.VpcId,
    arn: group.SecurityGroupArn ?? `arn:aws:ec2:${region}:${group.OwnerId}:security-group/${group.GroupId}`,
    tags: toTagMap(group.Tags),
    filters: args.filters,
    region,
  };
}
