import { GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { requiredString, type Values } from "../standIn";
import type { AwsClients } from "./clients";
import { getCluster, getClusters } from "./cluster";
import { getLbs, getLoadBalancer } from "./loadBalancers";
import { getElasticIp, getNatGateway, getNatGateways, getSecurityGroup } from "./network";
import { getSecurityGroupRule, getSecurityGroupRules } from "./securityGroupRules";
import { getRouteTable, getRouteTables, getSubnet } from "./subnets";

/** A data source: arguments in, result out, in the shapes of `@pulumi/aws`. */
export type AwsFunction = (args: Values) => Promise<Values>;

/** Every data source the stand-in answers, by token. */
export function functions(clients: AwsClients): Record<string, AwsFunction> {
  return {
    "aws:index/getCallerIdentity:getCallerIdentity": () => getCallerIdentity(clients),
    "aws:index/getRegion:getRegion": async () => getRegion(clients),
    "aws:ssm/getParameter:getParameter": (args) => getParameter(clients, args),
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": (args) => getAuthorizationToken(clients, args),
    "aws:eks/getCluster:getCluster": (args) => getCluster(clients, args),
    "aws:eks/getClusters:getClusters": () => getClusters(clients),
    "aws:ec2/getSubnet:getSubnet": (args) => getSubnet(clients, args),
    "aws:ec2/getRouteTables:getRouteTables": (args) => getRouteTables(clients, args),
    "aws:ec2/getRouteTable:getRouteTable": (args) => getRouteTable(clients, args),
    "aws:ec2/getNatGateways:getNatGateways": (args) => getNatGateways(clients, args),
    "aws:ec2/getNatGateway:getNatGateway": (args) => getNatGateway(clients, args),
    "aws:ec2/getElasticIp:getElasticIp": (args) => getElasticIp(clients, args),
    "aws:ec2/getSecurityGroup:getSecurityGroup": (args) => getSecurityGroup(clients, args),
    "aws:vpc/getSecurityGroupRules:getSecurityGroupRules": (args) => getSecurityGroupRules(clients, args),
    "aws:vpc/getSecurityGroupRule:getSecurityGroupRule": (args) => getSecurityGroupRule(clients, args),
    "aws:lb/getLbs:getLbs": (args) => getLbs(clients, args),
    "aws:lb/getLoadBalancer:getLoadBalancer": (args) => getLoadBalancer(clients, args),
  };
}

async function getCallerIdentity({ sts }: AwsClients): Promise<Values> {
  const { Account, Arn, UserId } = await sts.send(new GetCallerIdentityCommand({}));
  return { accountId: Account, arn: Arn, userId: UserId, id: Account };
}

function getRegion({ region }: AwsClients): Values {
  return {
    id: region,
    name: region,
    region,
    description: region,
    endpoint: `ec2.${region}.amazonaws.com`,
  };
}

/** Not secret, as with the real provider: whoever calls it must wrap the value. */
async function getParameter({ ssm, region }: AwsClients, args: Values): Promise<Values> {
  const name = requiredString(args, "name");
  const withDecryption = args.withDecryption !== false;
  const { Parameter } = await ssm
    .send(new GetParameterCommand({ Name: name, WithDecryption: withDecryption }))
    .catch((error: Error) => {
      throw new Error(`reading SSM Parameter (${name}): ${error.name}: ${error.message}`);
    });
  return {
    id: name,
    name,
    arn: Parameter?.ARN,
    type: Parameter?.Type,
    value: Parameter?.Value,
    insecureValue: Parameter?.Type === "SecureString" ? "" : Parameter?.Value,
    version: Parameter?.Version,
    withDecryption,
    region,
  };
}

async function getAuthorizationToken({ ecr, region }: AwsClients, args: Values): Promise<Values> {
  const answer = await ecr.send(
    new GetAuthorizationTokenCommand({
      registryIds: typeof args.registryId === "string" ? [args.registryId] : undefined,
    }),
  );
  const [data] = answer.authorizationData ?? [];
  const token = data?.authorizationToken ?? "";
  const [userName = "", password = ""] = Buffer.from(token, "base64").toString().split(":");
  return {
    id: region,
    authorizationToken: token,
    expiresAt: data?.expiresAt?.toISOString() ?? "",
    userName,
    password,
    proxyEndpoint: data?.proxyEndpoint ?? "",
    registryId: args.registryId,
    region,
  };
}
