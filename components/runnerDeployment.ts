import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { kubernetesLabels } from "./identity";
import { deploymentSpec, disruptionBudgetSpec, networkPolicySpec, rolloutTimeouts } from "./manifests";
import type { PodArgs } from "./podManifest";

export interface RunnerDeploymentArgs extends PodArgs<pulumi.Input<string>> {
  /** Existing namespace that receives everything. */
  namespace: pulumi.Input<string>;
  /** Number of runners. */
  replicas: number;
}

/** The runners: a Deployment with its service account, disruption budget and network policy. */
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
    const deployment = new k8s.apps.v1.Deployment(
      `${name}-runners`,
      { metadata, spec: deploymentSpec(args) },
      // No Pod may ever run without the policy, nor outlive the account it was admitted with.
      { ...parent, dependsOn: [serviceAccount, networkPolicy], customTimeouts: rolloutTimeouts(args) },
    );
    this.deploymentName = deployment.metadata.name;
    this.registerOutputs({ deploymentName: this.deploymentName });
  }
}
