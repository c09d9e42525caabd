import type * as pulumi from "@pulumi/pulumi";
import type { ClusterSite } from "./clusterLookups";
import type { Owner } from "./identity";
import { kubeconfig } from "./kubeconfig";
import type { Platform } from "./labels";
import type { Cluster } from "./lookups";

/** How the program reaches Kubernetes, and the runners reach Digdag inside the VPC. */
export interface Connection {
  /** Without a credential. */
  kubeconfig: pulumi.Input<string>;
  /** The group that EKS gives to the cluster's nodes. */
  securityGroupId: pulumi.Input<string>;
}

/** Whose cluster it is, and how it is reached. */
export interface ConnectionArgs extends Owner {
  region: string;
  /** AWS profile that Kubernetes is reached with; not set: the one of the environment. */
  profile: string | undefined;
  platform: Platform;
}

/** Connects to the cluster that exists, or makes the one that is to be the stack's own. */
export async function connectCluster(
  cluster: Cluster | ClusterSite,
  args: ConnectionArgs,
): Promise<Connection> {
  if (!("subnetIds" in cluster)) {
    return { ...cluster, kubeconfig: kubeconfig(cluster, args.region, args.profile) };
  }
  // Here and not above: whoever uses a cluster that exists does not load what makes one.
  const { RunnerCluster } = await import("./runnerCluster");
  return new RunnerCluster("runner-cluster", { ...args, site: cluster });
}
