import * as ec2 from "@pulumi/aws/ec2";
import * as eks from "@pulumi/aws/eks";
import { getCallerIdentity } from "@pulumi/aws/getCallerIdentity";
import type { NewCluster } from "./configCluster";
import { awsTags, type Owner } from "./identity";
import { missingOf, newKubernetes, tooOld, upgradeProblem } from "./kubernetesVersion";
import { describeCluster, lookUp } from "./lookups";
import { refusal } from "./refusal";

/** Where a cluster of the stack's own is made, or was made by an earlier deployment. */
export interface ClusterSite extends NewCluster {
  name: string;
  /** What the cluster runs, or is to run. */
  version: string;
  /** Of the subnets. */
  vpcId: string;
  /** The group that EKS gives to the cluster's nodes; not known before the cluster is there. */
  securityGroupId: string | undefined;
}

/** What of the configuration decides whether the cluster can be made. */
export interface ClusterWish extends Owner {
  clusterName: string;
  podPerJob: boolean;
  access: string;
  natAddresses: string[];
}

/** A subnet with where its packets go. */
interface Subnet {
  id: string;
  vpcId: string;
  availabilityZone: string;
  routes: Pick<ec2.GetRouteTableResult["routes"][number], "cidrBlock" | "gatewayId" | "natGatewayId">[];
}

/**
 * Proves that the stack's own cluster can be made in the subnets, or was made by this stack already.
 * @throws pulumi.RunError for a cluster of that name which is somebody else's, and for subnets that are not private, of one
 *   VPC and of two availability zones
 */
export async function findClusterSite(wish: ClusterWish, newCluster: NewCluster): Promise<ClusterSite> {
  const [subnets, own] = await Promise.all([
    Promise.all(newCluster.subnetIds.map(findSubnet)),
    findOwnCluster(wish, newCluster),
  ]);
  const byNat = wish.access === "natGateways" && wish.natAddresses.length === 0;
  const version = newCluster.version ?? own?.version ?? newKubernetes;
  const problems = [...subnetProblems(subnets, byNat), ...versionProblems(wish, version, own?.version)];
  if (problems.length > 0) throw refusal(problems.join("\n"));
  return {
    ...newCluster,
    name: wish.clusterName,
    version,
    vpcId: subnets[0]?.vpcId ?? "",
    securityGroupId: own?.securityGroupId,
  };
}

/** The cluster that an earlier deployment made, if any. */
async function findOwnCluster({ clusterName: name, ...owner }: ClusterWish, { adminRoleArns }: NewCluster) {
  const remedy = "The deploying role needs eks:ListClusters and eks:DescribeCluster.";
  const { names } = await lookUp("the EKS clusters", remedy, eks.getClusters({}));
  if (!names.includes(name)) {
    await refuseDeployer(adminRoleArns);
    return undefined;
  }
  const cluster = await lookUp(`EKS cluster ${name}`, remedy, eks.getCluster({ name }));
  const foreign = Object.entries(awsTags(owner)).filter(([key, value]) => cluster.tags[key] !== value);
  if (foreign.length === 0) return { ...describeCluster(cluster), version: cluster.version };
  const seen = foreign.map(
    ([key, value]) => `${key} is ${cluster.tags[key] ?? "missing"} instead of ${value}`,
  );
  throw refusal(
    `EKS cluster ${name} exists already and was not made by this stack (its tag ${seen.join(", ")}). ` +
      `To use it as it is, remove createCluster: pulumi config rm --stack ${owner.environment} createCluster. For a new one choose another clusterName.`,
  );
}

/** What EKS would refuse half way through, and what the runners would not run on. */
function versionProblems(
  { clusterName, environment, podPerJob }: ClusterWish,
  version: string,
  running?: string,
) {
  const upgrade = running === undefined ? undefined : upgradeProblem(running, version);
  const missing = missingOf(version, { podPerJob });
  return [
    ...(upgrade
      ? [
          `clusterVersion is ${version}, but EKS cluster ${clusterName} runs Kubernetes ${running}: ${upgrade}. ` +
            `To leave it as it is: pulumi config rm --stack ${environment} clusterVersion`,
        ]
      : []),
    ...(missing
      ? [
          `${tooOld(clusterName, version, missing)} ` +
            `Upgrade it first: pulumi config set --stack ${environment} clusterVersion ${missing.oldest}`,
        ]
      : []),
  ];
}

/** EKS makes whoever creates a cluster its administrator, and then takes no second entry for the same role. */
async function refuseDeployer(adminRoleArns: string[]): Promise<void> {
  if (adminRoleArns.length === 0) return;
  const { accountId, arn } = await lookUp(
    "who deploys",
    "Check the AWS profile in use.",
    getCallerIdentity(),
  );
  const role = /:assumed-role\/([^/]+)\//.exec(arn)?.[1];
  const twice = adminRoleArns.find(
    (admin) => admin.includes(`:${accountId}:`) && admin.split("/").at(-1) === role,
  );
  if (!twice) return;
  throw refusal(
    `clusterAdminRoleArns names ${twice}, which is the role that deploys: EKS makes it an administrator of the cluster that it creates, ` +
      "and would refuse it as one more half way through. Remove it from the list; it stays an administrator.",
  );
}

async function findSubnet(id: string): Promise<Subnet> {
  const remedy = "Check clusterSubnetIds, aws:region and the AWS profile in use.";
  const { vpcId, availabilityZone } = await lookUp(`subnet ${id}`, remedy, ec2.getSubnet({ id }));
  const tables = async (name: string, value: string) =>
    (
      await lookUp(
        `the route table of subnet ${id}`,
        "The deploying role needs ec2:DescribeRouteTables.",
        ec2.getRouteTables({ vpcId, filters: [{ name, values: [value] }] }),
      )
    ).ids;
  const [own] = await tables("association.subnet-id", id);
  const [routeTableId] = own === undefined ? await tables("association.main", "true") : [own];
  if (routeTableId === undefined) return { id, vpcId, availabilityZone, routes: [] };
  const { routes } = await lookUp(`route table ${routeTableId}`, remedy, ec2.getRouteTable({ routeTableId }));
  return { id, vpcId, availabilityZone, routes };
}

/**
 * Everything that keeps nodes in these subnets from being private or from reaching GitHub.
 * @param byNat whether only a NAT gateway of the VPC will do as the way out, because its addresses are to be admitted
 */
export function subnetProblems(subnets: readonly Subnet[], byNat: boolean): string[] {
  const distinct = (key: "vpcId" | "availabilityZone") => [...new Set(subnets.map((subnet) => subnet[key]))];
  const [vpcs, zones] = [distinct("vpcId"), distinct("availabilityZone")];
  return [
    ...(vpcs.length > 1
      ? [`clusterSubnetIds are of several VPCs, ${vpcs.join(" and ")}: name those of one.`]
      : []),
    ...(zones.length < 2
      ? [`clusterSubnetIds are all in ${zones.join()}: EKS needs subnets in two availability zones at least.`]
      : []),
    ...subnets.flatMap(({ id, routes }) => {
      const igw = routes.find(({ gatewayId }) => gatewayId.startsWith("igw-"));
      if (igw) {
        return [
          `Subnet ${id} is public: its route table leads to internet gateway ${igw.gatewayId}. Name private subnets in clusterSubnetIds.`,
        ];
      }
      const wayOut = routes.find(({ cidrBlock }) => cidrBlock === "0.0.0.0/0");
      if (wayOut === undefined) {
        return [
          `Subnet ${id} has no way out: its route table has no route for 0.0.0.0/0, so its nodes reach neither GitHub nor AWS. Give it one to a NAT gateway.`,
        ];
      }
      if (!byNat || wayOut.natGatewayId !== "") return [];
      return [
        `Subnet ${id} does not leave by a NAT gateway, so the address that Digdag's ALB sees is not known. Name it in natAddresses.`,
      ];
    }),
  ];
}
