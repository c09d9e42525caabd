import { DescribeRouteTablesCommand, DescribeSubnetsCommand, type Route } from "@aws-sdk/client-ec2";
import { requiredString, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { single, toFilters } from "./network";
import { toTagMap } from "./tags";

/** `aws.ec2.getSubnet`, by its id. */
export async function getSubnet({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const id = requiredString(args, "id");
  const { Subnets } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [id] }));
  const subnet = single("EC2 Subnet", Subnets);
  return {
    id,
    region,
    vpcId: subnet.VpcId,
    cidrBlock: subnet.CidrBlock,
    availabilityZone: subnet.AvailabilityZone,
    mapPublicIpOnLaunch: subnet.MapPublicIpOnLaunch ?? false,
    tags: toTagMap(subnet.Tags),
  };
}

/** `aws.ec2.getRouteTables`. */
export async function getRouteTables({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const { RouteTables = [] } = await ec2.send(
    new DescribeRouteTablesCommand({ Filters: toFilters(args, { "vpc-id": args.vpcId }) }),
  );
  return { id: region, region, ids: RouteTables.map(({ RouteTableId }) => RouteTableId) };
}

/** `aws.ec2.getRouteTable`, by its id. */
export async function getRouteTable({ ec2, region }: AwsClients, args: Values): Promise<Values> {
  const id = requiredString(args, "routeTableId");
  const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] }));
  const table = single("EC2 Route Table", RouteTables);
  return {
    id,
    routeTableId: id,
    region,
    vpcId: table.VpcId,
    routes: (table.Routes ?? []).map(describeRoute),
  };
}

/** With an empty text for what a route does not have, as the real provider has it. */
const describeRoute = (route: Route): Values => ({
  cidrBlock: route.DestinationCidrBlock ?? "",
  ipv6CidrBlock: route.DestinationIpv6CidrBlock ?? "",
  gatewayId: route.GatewayId ?? "",
  natGatewayId: route.NatGatewayId ?? "",
  transitGatewayId: route.TransitGatewayId ?? "",
  networkInterfaceId: route.NetworkInterfaceId ?? "",
});
