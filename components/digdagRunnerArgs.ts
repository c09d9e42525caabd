import type * as pulumi from "@pulumi/pulumi";
import type { SecretDelivery } from "./credential";
import type { Environment, Platform } from "./labels";

/**
 * One environment's runners. Names, meanings and defaults are those of docs/configuration.md. Plain are the values that shape
 * the plan; outputs may be given where another resource makes the value, and what is known of them shows in a preview.
 */
export interface DigdagRunnerArgs {
  /** Which environment the runners serve. It is one of their labels, and in the name of what is created. */
  environment: Environment;
  /** Organization or user on GitHub that the runners belong to. */
  githubOwner: string;
  /** Repository of `githubOwner` that the runners serve. Default: none, the runners belong to the whole organization. */
  githubRepository?: string;
  /** Name or ARN of the SSM SecureString that holds a personal access token. Set this, or `githubAppId`. */
  githubTokenParameter?: pulumi.Input<string>;
  /** App ID or client ID of the GitHub App that manages the runners. It must be installed where the runners belong. */
  githubAppId?: string;
  /**
   * Name or ARN of the SSM SecureString that holds a private key of the GitHub App, as GitHub's download has it. Default:
   * `/digdag-runner/ENVIRONMENT/github-app`.
   */
  githubAppParameter?: pulumi.Input<string>;
  /**
   * How the credential gets from SSM into the cluster: read by the program and kept in the state, encrypted, or read by the External
   * Secrets Operator, which must be in the cluster, and kept in no state. Default: `pulumi`.
   */
  secretDelivery?: SecretDelivery;
  /**
   * ARN of the IAM role that the operator takes for the parameter (IRSA), where `secretDelivery` is `externalSecrets`. Default: none,
   * the operator's own role counts, as by EKS Pod Identity.
   */
  secretStoreRoleArn?: pulumi.Input<string>;
  /** Base URL of GitHub's REST API. Default: `https://api.github.com`. */
  githubApiUrl?: string;
  /** HTTPS URL of Digdag as jobs reach it, without a path; its port is the one that is opened. */
  digdagEndpoint: pulumi.Input<string>;
  /** Security group of Digdag's ALB. It must hold no inline rules, and no load balancer controller may manage it. */
  securityGroupId: pulumi.Input<string>;
  /**
   * Of an internet-facing ALB: public IPv4 addresses of the NAT gateways that the Pods leave by. Set this or
   * `sourceSecurityGroupId`. They name their rules, so a preview shows no rule for one that is not known yet.
   */
  natAddresses?: pulumi.Input<pulumi.Input<string>[]>;
  /** Of an internal ALB: the security group that the Pods' traffic carries, such as the cluster's own. It names its rule. */
  sourceSecurityGroupId?: pulumi.Input<string>;
  /**
   * Ids of rules of Digdag's group that are there already and are taken over, by what names the rule: `203-0-113-10` for an
   * address, `sg-…` for a group. Default: none.
   */
  existingRules?: Record<string, string>;
  /** Kubernetes namespace that is created for the runners. Default: `digdag-runner-ENVIRONMENT`. */
  namespace?: string;
  /** Number of runners, from 1 to 50. Each runs one job at a time. Default: 2. */
  replicas?: number;
  /** How long a Pod that is asked to stop waits for its job, in minutes, from 1 to 360. Default: 9. */
  maxJobMinutes?: number;
  /** Whether every job gets a new Pod instead of a cleaned container; needs Kubernetes 1.30. Default: false. */
  podPerJob?: boolean;
  /** Labels beside self-hosted, linux, the architecture, digdag and the environment, of which every runner has all. Default: none. */
  runnerLabels?: string[];
  /** Name of the organization's runner group that the runners join. Default: its default group. A repository has no groups. */
  runnerGroup?: string;
  /** CPU request of the container that runs jobs. Default: `250m`. */
  runnerCpu?: string;
  /** Memory request and limit of the container that runs jobs. Default: `1Gi`. */
  runnerMemory?: string;
  /** Name of an existing PriorityClass for the Pods. Default: none, the cluster's default counts. */
  priorityClassName?: string;
  /** URL that answers with the caller's public address. Default: `https://checkip.amazonaws.com`. */
  egressAddressUrl?: string;
  /** Proxy for everything but Digdag, as `http://HOST:PORT` without a user name. Default: none. */
  httpsProxy?: string;
  /** Hosts that are reached without the proxy, beside Digdag, the cluster and instance metadata. Default: none. */
  noProxy?: string[];
  /** Platform of the image and of the nodes. Default: `linux/amd64`. */
  platform?: Platform;
  /** Debian 12 (bookworm) image to build on, by digest. Default: the `debian:bookworm-slim` that this version was written for. */
  baseImage?: string;
  /** CA certificates in PEM that the image trusts beside Debian's, such as those of a company's proxy. Default: none. */
  caCertificates?: string[];
  /** Version of the GitHub Actions runner. Default: the one that this version of the package was written for. */
  runnerVersion?: string;
  /** URL of the runner's archive. Default: the release of `runnerVersion` on github.com. */
  runnerUrl?: string;
  /** SHA-256 of the runner's archive. Default: the known one of `runnerVersion`; a version that is not known needs it. */
  runnerSha256?: string;
  /** Version of the Digdag CLI. Default: the one that this version of the package was written for. */
  digdagVersion?: string;
  /** URL of the Digdag CLI. Default: `digdagVersion` on dl.digdag.io. */
  digdagUrl?: string;
  /** SHA-256 of the Digdag CLI. Default: the known one of `digdagVersion`; a version that is not known needs it. */
  digdagSha256?: string;
}
