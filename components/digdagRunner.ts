import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { CredentialKind } from "./credential";
import { DigdagAccess } from "./digdagAccess";
import type { Environment } from "./labels";
import { namespaceManifest, rolloutTimeouts } from "./manifests";
import { RunnerDeployment } from "./runnerDeployment";
import { type ImageBuildArgs, RunnerImage } from "./runnerImage";
import { RunnerSecret } from "./runnerSecret";

/**
 * Everything about one environment's runners. Plain values throughout: they decide resources' names and are part of the
 * Pod's manifest, which a preview shows in full only when it is known.
 */
export interface DigdagRunnerArgs extends ImageBuildArgs {
  /** The stack's name; also the label that tells this environment's runners apart. */
  environment: Environment;
  /** Organization or user on GitHub. */
  githubOwner: string;
  /** Repository of `githubOwner`. Not set: the runners belong to the organization. */
  githubRepository?: string;
  /** Name or ARN of the SSM SecureString that holds a personal access token. Set this, or the two below. */
  githubTokenParameter?: string;
  /** App ID or client ID of a GitHub App that is installed where the runners belong. */
  githubAppId?: string;
  /** Name or ARN of the SSM SecureString that holds the App's private key in PEM. */
  githubAppParameter?: string;
  /** Base URL of GitHub's REST API, without a slash at its end. */
  githubApiUrl: string;
  /** Digdag's origin, `https://HOST[:PORT]`. */
  digdagEndpoint: string;
  /** Security group of Digdag's ALB. */
  securityGroupId: string;
  /** Of an internet-facing ALB: public addresses of the NAT gateways that the Pods leave by. */
  natAddresses?: string[];
  /** Of an internal ALB: the security group that the Pods' traffic carries. Set this or `natAddresses`. */
  sourceSecurityGroupId?: string;
  /** Ids of rules of that group which are there already and are taken over; see `findExistingRules`. Default: none. */
  existingRules?: Record<string, string>;
  /** URL that answers with the caller's public address. */
  egressAddressUrl: string;
  /** Proxy for everything but Digdag, `http://HOST:PORT`. Not set: none. */
  httpsProxy?: string;
  /** Hosts that are reached without the proxy. */
  noProxy?: string[];
  /** Namespace to create. */
  namespace: string;
  /** Number of runners. */
  replicas: number;
  /** Longest job in minutes, which a Pod that is asked to stop waits for. */
  maxJobMinutes: number;
  /** Whether a Pod ends after its job, so that the next one starts in a new container; needs Kubernetes 1.30. */
  podPerJob: boolean;
  /** Every label that a job may ask for. */
  runnerLabels: string[];
  /** Runner group of the organization. Not set: its default group. */
  runnerGroup?: string;
  /** CPU request of the container that runs jobs, as a Kubernetes quantity. */
  runnerCpu: string;
  /** Memory request and limit of the container that runs jobs, as a Kubernetes quantity. */
  runnerMemory: string;
}

/** Which parameter is read, and what it must hold. @throws Error when not exactly one way is complete */
function credentialSource(args: DigdagRunnerArgs): { kind: CredentialKind; parameter: string } {
  const { githubTokenParameter: token, githubAppId: id, githubAppParameter: key } = args;
  if (token !== undefined && id === undefined && key === undefined)
    return { kind: "token", parameter: token };
  if (token === undefined && id !== undefined && key !== undefined) return { kind: "app", parameter: key };
  throw new Error(
    "DigdagRunner needs githubTokenParameter, or githubAppId and githubAppParameter, and not both.",
  );
}

/**
 * Self-hosted runners on an existing EKS cluster that may deploy to a Digdag behind a closed ALB: image, credential,
 * Pods, and the rules that let them through. Pass the cluster's Kubernetes provider in `opts.providers`.
 */
export class DigdagRunner extends pulumi.ComponentResource {
  /** The image that runs, `REPOSITORY@sha256:DIGEST`. */
  public readonly imageReference: pulumi.Output<string>;
  /** The ranges that Digdag's ALB is open to. */
  public readonly allowedAddresses: pulumi.Output<string[]>;
  /** The namespace of the runners. */
  public readonly namespace: pulumi.Output<string>;

  constructor(name: string, args: DigdagRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:DigdagRunner", name, {}, opts);
    const parent = { parent: this };
    const { environment } = args;

    const image = new RunnerImage(`${name}-image`, args, parent);
    const access = new DigdagAccess(`${name}-access`, args, parent);
    const namespace = new k8s.core.v1.Namespace(
      `${name}-namespace`,
      namespaceManifest(environment, args.namespace),
      { ...parent, customTimeouts: { delete: rolloutTimeouts(args).delete } },
    );
    const secret = new RunnerSecret(
      `${name}-secret`,
      { environment, ...credentialSource(args), namespace: namespace.metadata.name },
      parent,
    );
    new RunnerDeployment(
      `${name}-deployment`,
      {
        ...args,
        image: image.reference,
        credentialSecret: secret.secretName,
        namespace: namespace.metadata.name,
      },
      // A runner is ready only once it reached Digdag, so without the rules the roll-out would wait for nothing.
      { ...parent, dependsOn: [access] },
    );
    this.imageReference = image.reference;
    this.allowedAddresses = access.allowedAddresses;
    this.namespace = namespace.metadata.name;
    this.registerOutputs({
      imageReference: this.imageReference,
      allowedAddresses: this.allowedAddresses,
      namespace: this.namespace,
    });
  }
}
