import type * as pulumi from "@pulumi/pulumi";
import { privateKeyProblem } from "../runner-image/shared/privateKey";

/** With what the runners are managed on GitHub: a personal access token or a GitHub App's private key. */
export type CredentialKind = "token" | "app";

/** Who brings the credential from SSM into the cluster: this program, or the External Secrets Operator. */
export const SecretDelivery = { pulumi: "pulumi", externalSecrets: "externalSecrets" } as const;
export type SecretDelivery = (typeof SecretDelivery)[keyof typeof SecretDelivery];

/** The SSM parameter that holds the private key of a stack's App where the configuration names none. */
export const defaultAppParameter = (stack: string) => `/digdag-runner/${stack}/github-app`;

/**
 * The Kubernetes Secret of each kind, and its key, which is also the file's name in the broker. Two names, because a stack
 * that changes its kind must not take the file away from Pods that still finish their jobs.
 */
export const credentialSecrets = {
  token: { name: "github-credential", key: "token" },
  app: { name: "github-app-credential", key: "private-key.pem" },
} as const;

/** What both deliveries start from. */
export interface CredentialSource {
  /** Name of the stack. */
  environment: string;
  /** What the parameter holds. */
  kind: CredentialKind;
  /** Name or ARN of an SSM SecureString. */
  parameter: pulumi.Input<string>;
  /** Existing namespace that receives the Secret. */
  namespace: pulumi.Input<string>;
}

/** An SSM parameter as it was read. */
export interface Parameter {
  name: string;
  type: string;
  value: string;
}

/**
 * The credential as a Secret should hold it, from the SSM parameter.
 * @throws Error that never holds the value, for a parameter that is not encrypted or holds something else
 */
export function credentialOf(kind: CredentialKind, { name, type, value }: Parameter): string {
  if (type !== "SecureString") {
    throw new Error(
      `SSM parameter ${name} is a ${type}, which anyone who may list parameters can read; store the credential as a SecureString and replace the old one on GitHub.`,
    );
  }
  return kind === "token" ? tokenIn(name, value.trim()) : privateKeyIn(name, value.trim());
}

/** Without the line break that an editor leaves behind. */
function tokenIn(name: string, value: string): string {
  if (/PRIVATE KEY/.test(value)) {
    throw new Error(
      `SSM parameter ${name} holds a private key, but is named as a token: set githubAppId, and githubAppParameter to this name, and remove githubTokenParameter.`,
    );
  }
  if (!/^[\w-]{10,}$/.test(value)) {
    throw new Error(
      `SSM parameter ${name} does not hold a GitHub token: expected letters, digits, underscores and hyphens only.`,
    );
  }
  return value;
}

function privateKeyIn(name: string, value: string): string {
  const problem = privateKeyProblem(value);
  if (problem === undefined) return `${value}\n`;
  throw new Error(
    `SSM parameter ${name} ${problem}. Store the App's private key as GitHub's download has it: aws ssm put-parameter ` +
      `--overwrite --type SecureString --name ${name} --value file://KEY.pem`,
  );
}
