import * as ec2 from "@pulumi/aws/ec2";
import * as awsEks from "@pulumi/aws/eks";
import * as iam from "@pulumi/aws/iam";
import * as eks from "@pulumi/eks/cluster";
import * as core from "@pulumi/kubernetes/core/v1";
import * as k8s from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "./clusterConnection";
import type { ClusterSite } from "./clusterLookups";
import {
  administrator,
  autoModeNetworkPolicies,
  clusterArgs,
  nodeGroup,
  nodePolicies,
  nodeTemplate,
  nodeTrust,
  partition,
} from "./clusterResources";
import { awsTags, type Owner } from "./identity";
import { kubeconfig } from "./kubeconfig";
import type { Platform } from "./labels";
import { describeCluster } from "./lookups";

export interface RunnerClusterArgs extends Owner {
  site: ClusterSite;
  region: string;
  /** AWS profile that Kubernetes is reached with. Default: the one of the environment. */
  profile?: string;
  platform: Platform;
}

/**
 * A cluster of the stack's own, in private subnets, with its nodes. All of it but its administrators is protected: neither another
 * configuration nor a destroy deletes it before somebody says so to the state.
 */
export class RunnerCluster extends pulumi.ComponentResource implements Connection {
  /** Without a credential, and known once Pods can run. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** The group that EKS gives to the cluster's nodes. */
  public readonly securityGroupId: pulumi.Output<string>;

  constructor(name: string, args: RunnerClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:RunnerCluster", name, {}, { ...opts, protect: true });
    const { site, region, profile } = args;
    const tags = awsTags(args);

    const cluster = new eks.Cluster(`${name}-eks`, clusterArgs(site, tags), { parent: this });
    this.admit(name, args, cluster);
    const nodes = site.autoMode ? [] : this.makeNodes(name, args, cluster);
    // Whoever uses what is read here waits for the nodes and goes before them, as with @pulumi/eks's own kubeconfig.
    const ready = pulumi.all([cluster.kubeconfigJson, ...nodes.map(({ urn }) => urn)]).apply(() => site.name);
    const described = pulumi
      .output(awsEks.getClusterOutput({ name: ready }, { parent: this }))
      .apply(describeCluster);
    const connection = described.apply((known) => kubeconfig(known, region, profile));

    this.securityGroupId = described.securityGroupId;
    this.kubeconfig = site.autoMode ? this.limitNetwork(name, connection) : connection;
    this.registerOutputs({ kubeconfig: this.kubeconfig, securityGroupId: this.securityGroupId });
  }

  /** Makes the named roles administrators. Not protected: whoever is removed from the list must lose the cluster. */
  private admit(name: string, { site, region, ...owner }: RunnerClusterArgs, cluster: eks.Cluster): void {
    const options = { parent: this, protect: false };
    for (const principalArn of site.adminRoleArns) {
      const { suffix, ...policy } = administrator(principalArn, region);
      const of = { clusterName: site.name, principalArn };
      const entry = new awsEks.AccessEntry(
        `${name}-${suffix}`,
        { ...of, tags: awsTags(owner) },
        { ...options, dependsOn: cluster },
      );
      new awsEks.AccessPolicyAssociation(
        `${name}-${suffix}-policy`,
        { ...of, ...policy },
        { ...options, dependsOn: entry },
      );
    }
  }

  /** The managed node group with all that it needs, and the Pod Identity agent. */
  private makeNodes(
    name: string,
    { site, region, platform, ...owner }: RunnerClusterArgs,
    cluster: eks.Cluster,
  ): pulumi.Resource[] {
    const parent = { parent: this };
    const tags = awsTags(owner);
    const role = new iam.Role(`${name}-node-role`, { assumeRolePolicy: nodeTrust, tags }, parent);
    const policies = nodePolicies.map(
      (policy) =>
        new iam.RolePolicyAttachment(
          `${name}-node-${policy}`,
          { role: role.name, policyArn: `arn:${partition(region)}:iam::aws:policy/${policy}` },
          parent,
        ),
    );
    const template = new ec2.LaunchTemplate(`${name}-node-template`, nodeTemplate(tags), parent);
    const { id, latestVersion } = template;
    // Nodes without the network plugin, or whose role may not give out addresses, never become ready.
    const afterwards = { ...parent, dependsOn: [cluster, ...policies] };
    const group = new awsEks.NodeGroup(
      `${name}-nodes`,
      {
        ...nodeGroup(site, platform, tags),
        nodeRoleArn: role.arn,
        launchTemplate: { id, version: latestVersion.apply(String) },
      },
      afterwards,
    );
    const agent = new awsEks.Addon(
      `${name}-pod-identity`,
      { clusterName: site.name, addonName: "eks-pod-identity-agent", tags },
      { ...parent, dependsOn: [cluster, group] },
    );
    return [group, agent];
  }

  /** Makes network policies have an effect in Auto Mode; the nodes of a managed group have them by their network plugin. */
  private limitNetwork(name: string, connection: pulumi.Output<string>): pulumi.Output<string> {
    const provider = new k8s.Provider(`${name}-kubernetes`, { kubeconfig: connection }, { parent: this });
    const enabled = new core.ConfigMap(`${name}-network-policies`, autoModeNetworkPolicies, {
      parent: this,
      provider,
    });
    return pulumi.all([connection, enabled.id]).apply(([known]) => known);
  }
}
