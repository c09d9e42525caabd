import { getRegionOutput } from "@pulumi/aws/getRegion";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { CredentialSource } from "./credential";
import {
  awaitedMetadata,
  externalSecretName,
  externalSecretSpec,
  externalSecretsApi,
  secretStore,
  secretStoreSpec,
  storeAccount,
} from "./externalSecret";
import { kubernetesLabels } from "./identity";

export interface ExternalRunnerSecretArgs extends CredentialSource {
  /** ARN of the IAM role that may read the parameter, for IRSA. Not set: the operator's own, as by EKS Pod Identity. */
  roleArn?: pulumi.Input<string>;
}

/** The operator answers within seconds; it tries again by itself for as long as its objects exist. */
const customTimeouts = { create: "120s", update: "120s" };

/**
 * GitHub's credential from SSM as a Kubernetes Secret that the External Secrets Operator makes. This program never asks for the
 * value, so no state, output or log can hold it. The operator must be in the cluster.
 */
export class ExternalRunnerSecret extends pulumi.ComponentResource {
  /** Name of the Kubernetes Secret, known once the operator has made it. */
  public readonly secretName: pulumi.Output<string>;

  constructor(name: string, args: ExternalRunnerSecretArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:ExternalRunnerSecret", name, {}, opts);
    const { environment, kind, namespace, parameter, roleArn } = args;
    const parent = { parent: this };

    const account = roleArn !== undefined && [
      new core.ServiceAccount(
        `${name}-store-account`,
        {
          metadata: {
            name: storeAccount,
            namespace,
            labels: kubernetesLabels(environment),
            annotations: { "eks.amazonaws.com/role-arn": roleArn },
          },
          automountServiceAccountToken: false,
        },
        parent,
      ),
    ];
    const store = new CustomResource(
      `${name}-store`,
      {
        apiVersion: externalSecretsApi,
        kind: "SecretStore",
        metadata: awaitedMetadata(environment, secretStore, namespace),
        spec: secretStoreSpec(getRegionOutput({}, parent).region, account ? storeAccount : undefined),
      },
      { ...parent, customTimeouts, ...(account && { dependsOn: account }) },
    );
    const credential = new CustomResource(
      `${name}-credential`,
      {
        apiVersion: externalSecretsApi,
        kind: "ExternalSecret",
        metadata: awaitedMetadata(environment, externalSecretName(kind), namespace),
        spec: externalSecretSpec(environment, kind, parameter),
      },
      { ...parent, customTimeouts, dependsOn: store },
    );
    this.secretName = credential.metadata.name;
    this.registerOutputs({ secretName: this.secretName });
  }
}
