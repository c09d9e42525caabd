import { randomBytes } from "node:crypto";
import { kubernetesLabels } from "../../components/identity";
import {
  deploymentSpec,
  disruptionBudgetSpec,
  namespaceManifest,
  networkPolicySpec,
} from "../../components/manifests";
import type { PodArgs } from "../../components/podManifest";
import { readStacks, type Stack } from "../../local/aws/stacks";
import { root } from "../../local/lib/paths";
import type { Manifest } from "./cluster";

/** The stack that `npm start` brought up. */
export const stackUnderTest = "local";
export const deploymentName = "digdag-runner";
export const secretName = "github-credential";
/** On every namespace of a pool, with the campaign it belongs to: the next run finds what a killed one left. */
export const campaignLabel = "digdag-runner-campaign";

const gitHubApiUrl = "https://api.github.com";
const egressAddressUrl = "https://checkip.amazonaws.com";

/** What pools are made for; each removes only its own. */
export type Campaign = "faults" | "theft";

export type DeploymentSpec = ReturnType<typeof deploymentSpec<string>>;

/** What a pool may be told, beside what every pool has. */
export interface PoolOptions {
  /** Name of its environment: a label of its runners and the start of their names, such as `f1`. */
  environment: string;
  digdagEndpoint: string;
  campaign: Campaign;
  /** Default 1. */
  replicas?: number;
  /** `REPOSITORY@sha256:DIGEST`. Default: what the stack `local` runs. */
  image?: string;
  /** Labels of the runners beside the usual ones. */
  extraLabels?: string[];
  /** Settings of the broker that only make it quicker; see `runner-image/broker/settings.ts`. */
  brokerVariables?: Record<string, string>;
  runnerCpu?: string;
  runnerMemory?: string;
  maxJobMinutes?: number;
  /** Changes what the product would deploy; for a Pod that is weakened on purpose. */
  adapt?: (spec: DeploymentSpec) => void;
}

/** Namespace of an environment's runners. */
export const namespaceOf = (environment: string): string => `digdag-runner-${environment}`;

/** A credential that is known nowhere else. */
export const newToken = (): string => `github_pat_faults_${randomBytes(24).toString("hex")}`;

/** The stack under test, as its configuration describes it. */
export function readStack(): Stack {
  const found = readStacks(root).find((one) => one.stack === stackUnderTest);
  if (!found) throw new Error(`there is no Pulumi.${stackUnderTest}.yaml`);
  return found;
}

const repositoryName = (environment: string) => `pool-${environment}`;

/** The repository in which a pool's runners are registered, and from which its jobs come. */
export const repositoryOf = (environment: string): string =>
  `${readStack().owner}/${repositoryName(environment)}`;

const metadataOf = (environment: string) => ({
  name: deploymentName,
  namespace: namespaceOf(environment),
  labels: kubernetesLabels(environment),
});

export function namespaceObject({ environment, campaign }: PoolOptions): Manifest {
  const { name, labels } = namespaceManifest(environment, namespaceOf(environment)).metadata;
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { ...labels, [campaignLabel]: campaign } },
  };
}

export function secretObject(environment: string, token: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: secretName, namespace: namespaceOf(environment) },
    stringData: { token },
  };
}

/** Service account, network policy and disruption budget. */
export function supportingObjects({ environment, digdagEndpoint }: PoolOptions): Manifest[] {
  const metadata = metadataOf(environment);
  const urls = [digdagEndpoint, gitHubApiUrl, egressAddressUrl];
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata,
      spec: networkPolicySpec(environment, urls),
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: disruptionBudgetSpec(environment),
    },
  ];
}

/** The Deployment, with the broker's quicker settings added and changed as `adapt` says. */
export function deploymentObject(options: PoolOptions, image: string): Manifest {
  const spec = deploymentSpec(podArgs(options, image));
  const broker = spec.template.spec.initContainers[0];
  for (const [name, value] of Object.entries(options.brokerVariables ?? {}))
    broker?.env.push({ name, value });
  options.adapt?.(spec);
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: metadataOf(options.environment), spec };
}

function podArgs(options: PoolOptions, image: string): PodArgs & { replicas: number } {
  const { environment } = options;
  return {
    environment,
    image,
    credentialSecret: secretName,
    githubApiUrl: gitHubApiUrl,
    githubOwner: readStack().owner,
    githubRepository: repositoryName(environment),
    runnerLabels: ["self-hosted", "linux", "x64", "digdag", environment, ...(options.extraLabels ?? [])],
    digdagEndpoint: options.digdagEndpoint,
    egressAddressUrl,
    maxJobMinutes: options.maxJobMinutes ?? 1,
    podPerJob: false,
    // A request only: many Pods must fit on one small node.
    runnerCpu: options.runnerCpu ?? "20m",
    runnerMemory: options.runnerMemory ?? "512Mi",
    platform: "linux/amd64",
    replicas: options.replicas ?? 1,
  };
}
