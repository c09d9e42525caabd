import * as aws from "@pulumi/aws";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { kubernetesLabels } from "./identity";

export interface RunnerSecretArgs {
  /** Name of the stack. */
  environment: string;
  /** Name or ARN of the SSM SecureString that holds the token. */
  githubTokenParameter: string;
  /** Existing namespace that receives the Secret. */
  namespace: pulumi.Input<string>;
}

// The SDK writes every answer of a provider into a debug message, decrypted values in plain text, and `--event-log` and
// `pulumi up --json` show those messages (@pulumi/pulumi runtime/invoke.js, "Invoke RPC finished"). So there are none.
Object.assign(pulumi.log, { debug: async () => {} });

/** Key of the Secret that holds the token, and the name of the file it becomes in the broker. */
export const tokenKey = "token";

/**
 * The token as a Secret should hold it, without the line break that an editor leaves behind.
 * @throws Error that never holds the value, for a parameter that is not encrypted or holds no token
 */
export function tokenOf({ name, type, value }: { name: string; type: string; value: string }): string {
  if (type !== "SecureString") {
    throw new Error(
      `SSM parameter ${name} is a ${type}, which anyone who may list parameters can read; store the token as a SecureString and revoke the old one.`,
    );
  }
  const token = value.trim();
  if (!/^[\w-]{10,}$/.test(token)) {
    throw new Error(
      `SSM parameter ${name} does not hold a GitHub token: expected letters, digits, underscores and hyphens only.`,
    );
  }
  return token;
}

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
      aws.ssm.getParameterOutput({ name: args.githubTokenParameter, withDecryption: true }, { parent: this }),
    );
    const secret = new k8s.core.v1.Secret(
      `${name}-credential`,
      {
        metadata: {
          name: "github-credential",
          namespace: args.namespace,
          labels: kubernetesLabels(args.environment),
          // Says which version runs. It is not on the Pods: the broker reads the mounted file again at every use, and
          // a rotated token must restart nothing.
          annotations: {
            "digdag-runner/parameter-version": pulumi.unsecret(parameter.version.apply(String)),
          },
        },
        type: "Opaque",
        stringData: { [tokenKey]: parameter.apply(tokenOf) },
      },
      { parent: this },
    );
    this.secretName = secret.metadata.name;
    this.registerOutputs({ secretName: this.secretName });
  }
}
