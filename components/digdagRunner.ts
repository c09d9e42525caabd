import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { type CredentialKind, SecretDelivery } from "./credential";
import { DigdagAccess } from "./digdagAccess";
import type { DigdagRunnerArgs } from "./digdagRunnerArgs";
import { ExternalRunnerSecret } from "./externalRunnerSecret";
import { namespaceManifest, rolloutTimeouts } from "./manifests";
import { RunnerDeployment } from "./runnerDeployment";
import { RunnerImage } from "./runnerImage";
import { type RunnerInputs, runnerInputs } from "./runnerInputs";
import { RunnerSecret } from "./runnerSecret";

export type { DigdagRunnerArgs } from "./digdagRunnerArgs";

/** Which parameter is read, and what it must hold; one of the two is set. */
function credentialSource(inputs: RunnerInputs): { kind: CredentialKind; parameter: pulumi.Input<string> } {
  const { githubAppParameter: key, githubTokenParameter: token = "" } = inputs;
  return key === undefined ? { kind: "token", parameter: token } : { kind: "app", parameter: key };
}

/**
 * Self-hosted runners on an existing EKS cluster that may deploy to a Digdag behind a closed ALB: image, credential,
 * Pods, and the rules that let them through. Pass the cluster's Kubernetes provider in `opts.providers`, with
 * `enableSecretMutable` set: otherwise a rotated credential replaces the Secret under the running brokers. Docker builds the image.
 */
export class DigdagRunner extends pulumi.ComponentResource {
  /** The image that runs, `REPOSITORY@sha256:DIGEST`. */
  public readonly imageReference: pulumi.Output<string>;
  /** The ranges that Digdag's ALB is open to. */
  public readonly allowedAddresses: pulumi.Output<string[]>;
  /** The namespace of the runners. */
  public readonly namespace: pulumi.Output<string>;
  /** Every label that a job may ask for. */
  public readonly runnerLabels: pulumi.Output<string[]>;

  constructor(name: string, args: DigdagRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
    const inputs = runnerInputs(args); // before anything is registered
    super("digdag-runner:index:DigdagRunner", name, {}, opts);
    const parent = { parent: this };
    const { environment } = inputs;

    const image = new RunnerImage(`${name}-image`, inputs, parent);
    const access = new DigdagAccess(`${name}-access`, inputs, parent);
    const namespace = new core.Namespace(
      `${name}-namespace`,
      namespaceManifest(environment, inputs.namespace),
      { ...parent, customTimeouts: { delete: rolloutTimeouts(inputs).delete } },
    );
    const credential = { environment, ...credentialSource(inputs), namespace: namespace.metadata.name };
    const secret =
      inputs.secretDelivery === SecretDelivery.externalSecrets
        ? new ExternalRunnerSecret(
            `${name}-secret`,
            { ...credential, roleArn: inputs.secretStoreRoleArn },
            parent,
          )
        : new RunnerSecret(`${name}-secret`, credential, parent);
    new RunnerDeployment(
      `${name}-deployment`,
      {
        ...inputs,
        image: image.reference,
        credentialSecret: secret.secretName,
        namespace: namespace.metadata.name,
      },
      // A runner is ready only once it reached Digdag, so without the rules the roll-out would wait for nothing.
      { ...parent, dependsOn: access.rules },
    );
    this.imageReference = image.reference;
    this.allowedAddresses = access.allowedAddresses;
    this.namespace = namespace.metadata.name;
    this.runnerLabels = pulumi.output(inputs.runnerLabels);
    this.registerOutputs({
      imageReference: this.imageReference,
      allowedAddresses: this.allowedAddresses,
      namespace: this.namespace,
      runnerLabels: this.runnerLabels,
    });
  }
}
