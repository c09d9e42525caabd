import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { kubernetesLabels } from "./identity";
import {
  deploymentSpec,
  disruptionBudgetSpec,
  networkPolicySpec,
  ownPodPolicySpec,
  ownPodRole,
  rolloutTimeouts,
} from "./manifests";
import type { PodArgs } from "./podManifest";

export interface RunnerDeploymentArgs extends PodArgs<pulumi.Input<string>> {
  /** Existing namespace that receives everything. */
  namespace: pulumi.Input<string>;
  /** Number of runners. */
  replicas: number;
}

/** The runners: a Deployment with its service account and what that may do, disruption budget and network policy. */
export class RunnerDeployment extends pulumi.ComponentResource {
  /** Name of the Deployment, known once its runners are online. */
  public readonly deploymentName: pulumi.Output<string>;

  constructor(name: string, args: RunnerDeploymentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:RunnerDeployment", name, {}, opts);
    const { environment } = args;
    const parent = { parent: this };
    const metadata = {
      name: "digdag-runner",
      namespace: args.namespace,
      labels: kubernetesLabels(environment),
    };

    const serviceAccount = new k8s.core.v1.ServiceAccount(
      `${name}-account`,
      { metadata, automountServiceAccountToken: false },
      parent,
    );
    const networkPolicy = new k8s.networking.v1.NetworkPolicy(
      `${name}-network`,
      {
        metadata,
        spec: networkPolicySpec(
          environment,
          [args.digdagEndpoint, args.githubApiUrl, args.egressAddressUrl, args.httpsProxy ?? []].flat(),
        ),
      },
      parent,
    );
    new k8s.policy.v1.PodDisruptionBudget(
      `${name}-budget`,
      { metadata, spec: disruptionBudgetSpec(environment) },
      parent,
    );
    const permissions = args.podPerJob ? ownPodPermissions(name, args, metadata, parent) : [];
    const deployment = new k8s.apps.v1.Deployment(
      `${name}-runners`,
      { metadata, spec: deploymentSpec(args) },
      // No Pod may ever run without the policy, nor outlive the account it was admitted with.
      {
        ...parent,
        dependsOn: [serviceAccount, networkPolicy, ...permissions],
        customTimeouts: rolloutTimeouts(args),
      },
    );
    this.deploymentName = deployment.metadata.name;
    this.registerOutputs({ deploymentName: this.deploymentName });
  }
}

/** What a Pod needs to delete itself, and nothing else. */
function ownPodPermissions(
  name: string,
  { environment, namespace }: RunnerDeploymentArgs,
  metadata: { name: string; namespace: pulumi.Input<string>; labels: Record<string, string> },
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  // Policies belong to the whole cluster, where another stack may have its own.
  const clusterMetadata = {
    name: pulumi.interpolate`${namespace}-own-pod`,
    labels: kubernetesLabels(environment),
  };
  const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
    `${name}-own-pod-policy`,
    { metadata: clusterMetadata, spec: pulumi.output(namespace).apply(ownPodPolicySpec) },
    opts,
  );
  const enforced = new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
    `${name}-own-pod-policy-binding`,
    { metadata: clusterMetadata, spec: { policyName: policy.metadata.name, validationActions: ["Deny"] } },
    opts,
  );
  const { rules, roleRef, subjects } = pulumi.output(namespace).apply(ownPodRole);
  const role = new k8s.rbac.v1.Role(`${name}-role`, { metadata, rules }, opts);
  const granted = new k8s.rbac.v1.RoleBinding(
    `${name}-role-binding`,
    { metadata, roleRef, subjects },
    // What is allowed comes after its limit, and goes before it.
    { ...opts, dependsOn: [role, enforced] },
  );
  return [role, granted];
}
