import { DescribeSubnetsCommand } from "@aws-sdk/client-ec2";
import { DescribeClusterCommand, ListClustersCommand } from "@aws-sdk/client-eks";
import { requiredString, type Values } from "../standIn";
import type { AwsClients } from "./clients";

/** `aws.eks.getClusters`. */
export async function getClusters({ eks, region }: AwsClients): Promise<Values> {
  const { clusters = [] } = await eks.send(new ListClustersCommand({}));
  return { id: region, names: clusters, region };
}

/** `aws.eks.getCluster`. */
export async function getCluster({ eks, ec2, region }: AwsClients, args: Values): Promise<Values> {
  const name = requiredString(args, "name");
  const { cluster } = await eks.send(new DescribeClusterCommand({ name })).catch((error: Error) => {
    throw new Error(`reading EKS Cluster (${name}): ${error.name}: ${error.message}`);
  });
  const network = cluster?.resourcesVpcConfig;
  const subnetIds = network?.subnetIds ?? [];
  return {
    id: name,
    name,
    clusterId: cluster?.id ?? "",
    arn: cluster?.arn,
    status: cluster?.status,
    version: cluster?.version,
    platformVersion: cluster?.platformVersion,
    endpoint: cluster?.endpoint,
    roleArn: cluster?.roleArn,
    createdAt: cluster?.createdAt?.toISOString() ?? "",
    certificateAuthorities: [{ data: cluster?.certificateAuthority?.data ?? "" }],
    identities: [{ oidcs: [{ issuer: cluster?.identity?.oidc?.issuer ?? "" }] }],
    tags: cluster?.tags ?? {},
    vpcConfig: {
      // moto leaves out the VPC, which AWS derives from the subnets.
      vpcId: network?.vpcId ?? (await vpcOf(ec2, subnetIds[0])),
      subnetIds,
      securityGroupIds: network?.securityGroupIds ?? [],
      clusterSecurityGroupId: network?.clusterSecurityGroupId ?? "",
      endpointPublicAccess: network?.endpointPublicAccess ?? true,
      endpointPrivateAccess: network?.endpointPrivateAccess ?? false,
      publicAccessCidrs: network?.publicAccessCidrs ?? [],
    },
    accessConfigs: [],
    computeConfigs: [],
    controlPlaneScalingConfigs: [],
    deletionProtection: false,
    enabledClusterLogTypes: [],
    kubeApiServerConfigs: [],
    kubeControllerManagerConfigs: [],
    kubeSchedulerConfigs: [],
    kubernetesNetworkConfigs: [],
    outpostConfigs: [],
    remoteNetworkConfigs: [],
    storageConfigs: [],
    upgradePolicies: [],
    zonalShiftConfigs: [],
    region,
  };
}

async function vpcOf(ec2: AwsClients["ec2"], subnetId: string | undefined): Promise<string | undefined> {
  if (subnetId === undefined) {
    return undefined;
  }
  const { Subnets } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] }));
  return Subnets?.[0]?.VpcId;
}
