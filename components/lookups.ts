import * as ec2 from "@pulumi/aws/ec2";
import * as eks from "@pulumi/aws/eks";
import * as lb from "@pulumi/aws/lb";
import type { AccessWay } from "./addresses";
import { awsTags, type Owner } from "./identity";
import { missingOf, oldestForPodPerJob, tooOld } from "./kubernetesVersion";
import { refusal } from "./refusal";

/** What the program needs to know of an existing EKS cluster. */
export interface Cluster {
  name: string;
  vpcId: string;
  /** The group that EKS gives to the cluster's nodes. */
  securityGroupId: string;
  /** URL of the Kubernetes API. */
  endpoint: string;
  /** Base64 of the PEM certificate. */
  certificateAuthority: string;
}

/** How the group that guards Digdag is named in the configuration. */
export interface AccessLookup {
  vpcId: string;
  access: AccessWay;
  /** An origin, `https://HOST[:PORT]`. */
  digdagEndpoint: string;
  /** Name or ARN. */
  loadBalancerName: string | undefined;
  securityGroupId: string | undefined;
}

type LoadBalancer = lb.GetLoadBalancerResult;

/** Tag by which the AWS Load Balancer Controller marks a group as its own, whose foreign rules it deletes. */
const controllerTag = "elbv2.k8s.aws/cluster";

/** Waits for a lookup and says what to do when it fails. @throws pulumi.RunError */
export async function lookUp<T>(what: string, remedy: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw refusal(`Cannot look up ${what}. ${remedy}\n  ${(error as Error).message}`);
  }
}

/** What of the configuration an existing cluster must fit. */
export interface ClusterLookup extends Owner {
  clusterName: string;
  podPerJob: boolean;
}

/**
 * Finds the EKS cluster.
 * @throws pulumi.RunError when there is none of that name, when its Kubernetes is too old for the runners, and when this stack
 *   made it, since the plan would then delete it
 */
export async function findCluster({ clusterName: name, ...args }: ClusterLookup): Promise<Cluster> {
  const remedy =
    "Check clusterName, aws:region and the AWS profile in use. A cluster is made only where createCluster is true.";
  const cluster = await lookUp(`EKS cluster ${name}`, remedy, eks.getCluster({ name }));
  const missing = missingOf(cluster.version, args);
  if (missing) {
    throw refusal(
      `${tooOld(name, cluster.version, missing)} ` +
        `Upgrade the cluster, one minor version at a time: aws eks update-cluster-version --name ${name} --kubernetes-version VERSION` +
        (missing.oldest === oldestForPodPerJob
          ? `; or do without podPerJob: pulumi config set --stack ${args.environment} podPerJob false`
          : ""),
    );
  }
  if (Object.entries(awsTags(args)).every(([key, value]) => cluster.tags[key] === value)) {
    throw refusal(
      `EKS cluster ${name} was made by this stack, by its tags, and without createCluster the plan would delete it with all that runs there. ` +
        `Set it again: pulumi config set --stack ${args.environment} createCluster true\n` +
        'To keep the cluster and manage it elsewhere: "Leave createCluster" in docs/operations.md.',
    );
  }
  return describeCluster(cluster);
}

/** The part of AWS's description that the program uses. */
export function describeCluster(cluster: eks.GetClusterResult): Cluster {
  return {
    name: cluster.name,
    vpcId: cluster.vpcConfig.vpcId,
    securityGroupId: cluster.vpcConfig.clusterSecurityGroupId,
    endpoint: cluster.endpoint,
    certificateAuthority: cluster.certificateAuthorities[0]?.data ?? "",
  };
}

/**
 * Whom the rules for Digdag admit: the values given, or else what belongs to the cluster. The group of a cluster that is yet to
 * be made is not known.
 * @throws pulumi.RunError when there are neither
 */
export async function findSources(
  given: { access: AccessWay; natAddresses: string[]; sourceSecurityGroupId: string | undefined },
  cluster: { vpcId: string; securityGroupId: string | undefined },
): Promise<{ natAddresses: string[] } | { sourceSecurityGroupId: string | undefined }> {
  if (given.access === "securityGroup") {
    return { sourceSecurityGroupId: given.sourceSecurityGroupId ?? cluster.securityGroupId };
  }
  const { natAddresses } = given;
  return { natAddresses: natAddresses.length > 0 ? natAddresses : await findNatAddresses(cluster.vpcId) };
}

/**
 * The public addresses of every available NAT gateway of a VPC, sorted: any of them may be the one that a Pod leaves by.
 * @throws pulumi.RunError when the VPC has none
 */
export async function findNatAddresses(vpcId: string): Promise<string[]> {
  const remedy = "Or name the addresses yourself in natAddresses.";
  const filters = [{ name: "state", values: ["available"] }];
  const { ids } = await lookUp(
    `the NAT gateways of ${vpcId}`,
    remedy,
    ec2.getNatGateways({ vpcId, filters }),
  );
  const gateways = await Promise.all(
    ids.map((id) => lookUp(`NAT gateway ${id}`, remedy, ec2.getNatGateway({ id }))),
  );
  const addresses = await Promise.all(gateways.map(publicAddresses));
  const found = [...new Set(addresses.flat())].sort();
  if (found.length === 0) {
    throw refusal(
      `VPC ${vpcId} of the cluster has no available public NAT gateway, so its runners have no fixed address to allow. ` +
        "Add one, or name the addresses that the Pods leave from in natAddresses.",
    );
  }
  return found;
}

/** Primary, secondary and, for a regional gateway, per-zone addresses. A private gateway has none. */
async function publicAddresses(gateway: ec2.GetNatGatewayResult): Promise<string[]> {
  const secondary = await Promise.all(
    (gateway.secondaryAllocationIds ?? []).map((id) =>
      lookUp(`elastic IP ${id} of ${gateway.id}`, "", ec2.getElasticIp({ id })),
    ),
  );
  const regional = (gateway.regionalNatGatewayAddresses ?? []).map((address) => address.publicIp);
  return [gateway.publicIp, ...secondary.map((address) => address.publicIp), ...regional].filter(Boolean);
}

/**
 * Finds the security group that guards Digdag and proves that a rule for this access can work there.
 * @throws pulumi.RunError for an ALB that this access cannot open, for a group that the load balancer controller manages, and where there
 *   is not exactly one candidate
 */
export async function findSecurityGroup(lookup: AccessLookup): Promise<string> {
  const { loadBalancerName, securityGroupId } = lookup;
  const remedy = "Check loadBalancerName and aws:region.";
  const named = loadBalancerName?.startsWith("arn:") ? { arn: loadBalancerName } : { name: loadBalancerName };
  const loadBalancer = loadBalancerName
    ? await lookUp(`ALB ${loadBalancerName}`, remedy, lb.getLoadBalancer(named))
    : securityGroupId
      ? undefined
      : onlyLoadBalancer(await candidates(lookup), lookup);
  if (loadBalancer) refuseUnreachable(loadBalancer, lookup);
  if (loadBalancer && securityGroupId && !loadBalancer.securityGroups.includes(securityGroupId)) {
    throw refusal(
      `Security group ${securityGroupId} does not belong to ALB ${loadBalancer.name}, ` +
        `which has ${loadBalancer.securityGroups.join(", ")}. Correct securityGroupId, or remove it to use the ALB's own.`,
    );
  }
  const groupIds = securityGroupId ? [securityGroupId] : (loadBalancer?.securityGroups ?? []);
  const groups = await Promise.all(
    groupIds.map((id) =>
      lookUp(`security group ${id}`, "Check securityGroupId.", ec2.getSecurityGroup({ id })),
    ),
  );
  return onlyUnmanaged(groups);
}

/** AWS offers no filter by VPC here, so every ALB of the region is read. */
async function candidates({ vpcId, access }: AccessLookup): Promise<LoadBalancer[]> {
  const remedy = "Set loadBalancerName.";
  const { arns } = await lookUp("the load balancers", remedy, lb.getLbs({}));
  const all = await Promise.all(
    arns
      .filter((arn) => arn.includes(":loadbalancer/app/"))
      .map((arn) => lookUp(`load balancer ${arn}`, remedy, lb.getLoadBalancer({ arn }))),
  );
  return all.filter((one) => one.internal === needsInternal(access) && one.vpcId === vpcId);
}

/** The ALB with the endpoint's own host name, else the only one. */
function onlyLoadBalancer(
  found: LoadBalancer[],
  { digdagEndpoint, vpcId, access }: AccessLookup,
): LoadBalancer {
  const kind = needsInternal(access) ? "internal" : "internet-facing";
  const { hostname } = new URL(digdagEndpoint);
  const named = found.find((loadBalancer) => loadBalancer.dnsName.toLowerCase() === hostname);
  const [only, ...others] = found;
  if (named) return named;
  if (only && others.length === 0) return only;
  const names = found.map((loadBalancer) => loadBalancer.name).sort();
  throw refusal(
    only
      ? `VPC ${vpcId} has several ${kind} ALBs: ${names.join(", ")}. Set loadBalancerName to the one in front of ${hostname}.`
      : `VPC ${vpcId} has no ${kind} ALB, which access ${access} is for. Set loadBalancerName to the ALB in front of ${hostname}, or securityGroupId to its group.`,
  );
}

/** A NAT address never reaches an internal ALB, and a security group means nothing to one that is reached by the internet. */
const needsInternal = (access: AccessWay) => access === "securityGroup";

function refuseUnreachable(
  { name, loadBalancerType, internal }: LoadBalancer,
  { access }: AccessLookup,
): void {
  if (loadBalancerType !== "application") {
    throw refusal(
      `Load balancer ${name} is of type ${loadBalancerType}, not an ALB. Correct loadBalancerName, or set securityGroupId instead.`,
    );
  }
  if (internal === needsInternal(access)) return;
  if (internal) {
    throw refusal(
      `ALB ${name} is internal: it sees the private addresses of the Pods, never a NAT address, so a rule for a NAT ` +
        "address would have no effect. Set access to securityGroup, which admits the security group of the cluster's nodes instead.",
    );
  }
  throw refusal(
    `ALB ${name} is internet-facing: the runners reach it by their NAT gateways, and a rule for their security group ` +
      "would have no effect. Set access to natGateways, or loadBalancerName to an internal ALB.",
  );
}

function onlyUnmanaged(groups: ec2.GetSecurityGroupResult[]): string {
  const [only, ...others] = groups.filter((group) => group.tags?.[controllerTag] === undefined);
  if (only && others.length === 0) return only.id;
  const ids = (list: { id: string }[]) => list.map(({ id }) => id).join(", ");
  throw refusal(
    only
      ? `The ALB has several security groups: ${ids([only, ...others])}. Set securityGroupId to the one that receives the rules.`
      : `Security group ${ids(groups) || "(none)"} is managed by the AWS Load Balancer Controller, which deletes rules that it did not make. ` +
          "Give Digdag's Ingress a group of your own with the annotation alb.ingress.kubernetes.io/security-groups, then deploy again.",
  );
}
