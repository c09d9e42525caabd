import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import {
  type ConfiguredProvider,
  notKnown,
  type ProviderStandIn,
  type ResourceKind,
  type Values,
} from "../standIn";
import { createClients } from "./clients";
import { lifecyclePolicy, repository } from "./ecr";
import { eksCluster } from "./eksCluster";
import { functions } from "./functions";
import { ingressRule } from "./ingressRule";
import { clusterParts } from "./remembered";

/**
 * Stand-in for the `aws` provider plugin: AWS SDK calls to the emulated account.
 *
 * @param endpoint URL of the emulated account, such as `http://127.0.0.1:5000`
 */
export function awsStandIn(endpoint: string): ProviderStandIn {
  return {
    name: "aws",
    version: "7.48.0",
    async configure(settings): Promise<ConfiguredProvider> {
      const region = settings.region ?? process.env.AWS_REGION;
      if (typeof region !== "string" || region === "") {
        throw new Error(
          "Missing region information: set `pulumi config set aws:region REGION` or AWS_REGION",
        );
      }
      const clients = createClients(endpoint, region);
      const account = (await clients.sts.send(new GetCallerIdentityCommand({}))).Account ?? "";
      refuseOtherAccounts(account, settings);
      const defaultTags = readDefaultTags(settings);
      const resources: Record<string, ResourceKind> = {
        ...clusterParts(defaultTags),
        "aws:eks/cluster:Cluster": eksCluster(clients, defaultTags),
        "aws:ecr/repository:Repository": repository(clients, defaultTags),
        "aws:ecr/lifecyclePolicy:LifecyclePolicy": lifecyclePolicy(clients),
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ingressRule(clients, defaultTags),
      };
      const invokable = functions(clients);
      return {
        resource(type) {
          const found = resources[type];
          if (!found) {
            throw notKnown("aws", `the resource type ${type}`);
          }
          return found;
        },
        async invoke(token, args) {
          const call = invokable[token];
          if (!call) {
            throw notKnown("aws", `the function ${token}`);
          }
          return call(args);
        },
      };
    },
  };
}

function refuseOtherAccounts(account: string, settings: Values): void {
  const allowed = settings.allowedAccountIds;
  if (Array.isArray(allowed) && allowed.length > 0 && !allowed.map(String).includes(account)) {
    throw new Error(`AWS account ID not allowed: ${account}; allowedAccountIds: ${allowed.join(", ")}`);
  }
  const forbidden = settings.forbiddenAccountIds;
  if (Array.isArray(forbidden) && forbidden.map(String).includes(account)) {
    throw new Error(`AWS account ID not allowed: ${account} is in forbiddenAccountIds`);
  }
}

function readDefaultTags(settings: Values): Record<string, string> {
  const defaultTags = settings.defaultTags as { tags?: Record<string, string> } | undefined;
  return defaultTags?.tags ?? {};
}
