import type * as ec2 from "@pulumi/aws/ec2";
import type * as eks from "@pulumi/aws/eks";
import type { ClusterArgs } from "@pulumi/eks/cluster";
import type { ClusterSite } from "./clusterLookups";
import type { Platform } from "./labels";

/** `aws-cn` for a region of China, and so on: ARNs begin with it. */
export function partition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** What makes a role an administrator of the whole cluster, and what names it among others. */
export function administrator(roleArn: string, region: string) {
  return {
    suffix: `admin-${roleArn.split(":").slice(4).join("-").replaceAll("/", "-")}`,
    policyArn: `arn:${partition(region)}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy`,
    accessScope: { type: "cluster" },
  };
}

/**
 * The arguments of the `Cluster` of @pulumi/eks: nodes and API inside the VPC, the API open to the ranges that are named and to
 * nobody else, IAM instead of the aws-auth ConfigMap, network policies that have an effect, and the control plane's logs.
 */
export function clusterArgs(site: ClusterSite, tags: Record<string, string>) {
  const isPublic = site.publicAccessCidrs.length > 0;
  return {
    name: site.name,
    version: site.version,
    vpcId: site.vpcId,
    privateSubnetIds: site.subnetIds,
    authenticationMode: "API",
    endpointPrivateAccess: true,
    endpointPublicAccess: isPublic,
    ...(isPublic && { publicAccessCidrs: site.publicAccessCidrs }),
    enabledClusterLogTypes: ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    // Its own groups admit what the one that EKS makes admits as well, and more of the internet on the way out.
    skipDefaultSecurityGroups: true,
    // Its default group is not a managed one.
    skipDefaultNodeGroup: true,
    createInstanceRole: false,
    tags,
    ...(site.autoMode
      ? { autoMode: { enabled: true } }
      : { useDefaultVpcCni: false, vpcCniOptions: { enableNetworkPolicy: true } }),
  } satisfies ClusterArgs;
}

/** Kubernetes turns them on in Auto Mode by this ConfigMap alone (AWS, "Use network policies with EKS Auto Mode"). */
export const autoModeNetworkPolicies = {
  metadata: { name: "amazon-vpc-cni", namespace: "kube-system" },
  data: { "enable-network-policy-controller": "true" },
};

/** What the nodes' role may do: join the cluster, give Pods addresses, pull images. */
export const nodePolicies = [
  "AmazonEKSWorkerNodePolicy",
  "AmazonEKS_CNI_Policy",
  "AmazonEC2ContainerRegistryPullOnly",
];

/** Who may take the nodes' role. */
export const nodeTrust = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

/** Room for images and for what jobs write, in GiB. */
const diskSize = 50;

/** Encrypted disks, and instance metadata that no Pod reaches: a token is needed, whose answer goes no hop further than the node. */
export function nodeTemplate(tags: Record<string, string>) {
  return {
    updateDefaultVersion: true,
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [
      {
        // The root of Amazon Linux 2023.
        deviceName: "/dev/xvda",
        ebs: { volumeType: "gp3", volumeSize: diskSize, encrypted: "true", deleteOnTermination: "true" },
      },
    ],
    tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({
      resourceType,
      tags,
    })),
    tags,
  } satisfies ec2.LaunchTemplateArgs;
}

const amiTypes: Record<Platform, string> = {
  "linux/amd64": "AL2023_x86_64_STANDARD",
  "linux/arm64": "AL2023_ARM_64_STANDARD",
};

/** As many nodes as are asked for, in the private subnets; nothing in the cluster would scale them. */
export function nodeGroup(site: ClusterSite, platform: Platform, tags: Record<string, string>) {
  return {
    clusterName: site.name,
    version: site.version,
    subnetIds: site.subnetIds,
    amiType: amiTypes[platform],
    instanceTypes: [site.instanceType],
    // A spot reclaim leaves a job two minutes.
    capacityType: "ON_DEMAND",
    scalingConfig: { minSize: site.nodes, desiredSize: site.nodes, maxSize: site.nodes },
    updateConfig: { maxUnavailable: 1 },
    tags,
  } satisfies Omit<eks.NodeGroupArgs, "nodeRoleArn">;
}
