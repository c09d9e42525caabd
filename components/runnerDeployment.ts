import * as admission from "@pulumi/kubernetes/admissionregistration/v1";
import * as apps from "@pulumi/kubernetes/apps/v1";
import * as core from "@pulumi/kubernetes/core/v1";
import * as networking from "@pulumi/kubernetes/networking/v1";
import * as policy from "@pulumi/kubernetes/policy/v1";
import * as rbac from "@pulumi/kubernetes/rbac/v1";
import * as pulumi from "@pulumi/pulumi";
import { checkerAnnotations } from "./checkerExceptions";
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

export interface RunnerDeploymentArgs extends Omit<PodArgs<pulumi.Input<string>>, "digdagEndpoint"> {
  digdagEndpoint: pulumi.Input<string>;
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
    // What is not known of the result, such as the image, stays by itself: a preview shows the rest.
    const specOf = <T>(spec: (known: PodArgs<pulumi.Input<string>> & { replicas: number }) => T) =>
      pulumi.output(args.digdagEndpoint).apply((digdagEndpoint) => spec({ ...args, digdagEndpoint }));
    const metadata = {
      name: "digdag-runner",
      namespace: args.namespace,
      labels: kubernetesLabels(environment),
    };

    const serviceAccount = new core.ServiceAccount(
      `${name}-account`,
      { metadata, automountServiceAccountToken: false },
      parent,
    );
    const networkPolicy = new networking.NetworkPolicy(
      `${name}-network`,
      {
        metadata,
        spec: specOf(({ digdagEndpoint, githubApiUrl, egressAddressUrl, httpsProxy = [] }) =>
          networkPolicySpec(environment, [digdagEndpoint, githubApiUrl, egressAddressUrl, httpsProxy].flat()),
        ),
      },
      parent,
    );
    new policy.PodDisruptionBudget(
      `${name}-budget`,
      { metadata, spec: disruptionBudgetSpec(environment) },
      parent,
    );
    const permissions = args.podPerJob ? ownPodPermissions(name, args, metadata, parent) : [];
    const deployment = new apps.Deployment(
      `${name}-runners`,
      { metadata: { ...metadata, annotations: checkerAnnotations() }, spec: specOf(deploymentSpec) },
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
  const limit = new admission.ValidatingAdmissionPolicy(
    `${name}-own-pod-policy`,
    { metadata: clusterMetadata, spec: pulumi.output(namespace).apply(ownPodPolicySpec) },
    opts,
  );
  const enforced = new admission.ValidatingAdmissionPolicyBinding(
    `${name}-own-pod-policy-binding`,
    { metadata: clusterMetadata, spec: { policyName: limit.metadata.name, validationActions: ["Deny"] } },
    opts,
  );
  const { rules, roleRef, subjects } = pulumi.output(namespace).apply(ownPodRole);
  const role = new rbac.Role(`${name}-role`, { metadata, rules }, opts);
  const granted = new rbac.RoleBinding(
    `${name}-role-binding`,
    { metadata, roleRef, subjects },
    // What is allowed comes after its limit, and goes before it.
    { ...opts, dependsOn: [role, enforced] },
  );
  return [role, granted];
}
