import * as ssm from "@pulumi/aws/ssm";
import * as core from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { type CredentialSource, credentialOf, credentialSecrets } from "./credential";
import { kubernetesLabels } from "./identity";

export type RunnerSecretArgs = CredentialSource;

// The SDK writes every answer of a provider into a debug message, decrypted values in plain text, and `--event-log` and
// `pulumi up --json` show those messages (@pulumi/pulumi runtime/invoke.js, "Invoke RPC finished"). So there are none.
Object.assign(pulumi.log, { debug: async () => {} });

/**
 * GitHub's credential from SSM as a Kubernetes Secret. The one module that reads SSM parameters, so that there is one
 * place where a value becomes secret. In Pulumi's state the value is encrypted, never plain.
 */
export class RunnerSecret extends pulumi.ComponentResource {
  /** Name of the Kubernetes Secret. */
  public readonly secretName: pulumi.Output<string>;

  constructor(name: string, args: RunnerSecretArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:RunnerSecret", name, {}, opts);
    // Not secret by itself, although it decrypts (pulumi/pulumi-aws#1449).
    const parameter = pulumi.secret(
      ssm.getParameterOutput({ name: args.parameter, withDecryption: true }, { parent: this }),
    );
    const { name: secretName, key } = credentialSecrets[args.kind];
    const secret = new core.Secret(
      `${name}-credential`,
      {
        metadata: {
          name: secretName,
          namespace: args.namespace,
          labels: kubernetesLabels(args.environment),
          // Says which version runs. It is not on the Pods: the broker reads the mounted file again at every use, and
          // a rotated credential must restart nothing.
          annotations: {
            "digdag-runner/parameter-version": pulumi.unsecret(parameter.version.apply(String)),
          },
        },
        type: "Opaque",
        stringData: { [key]: parameter.apply((read) => credentialOf(args.kind, read)) },
      },
      { parent: this },
    );
    this.secretName = secret.metadata.name;
    this.registerOutputs({ secretName: this.secretName });
  }
}
