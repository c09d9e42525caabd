import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { kubernetesLabels } from "../../components/identity";
import {
  deploymentSpec,
  disruptionBudgetSpec,
  namespaceManifest,
  networkPolicySpec,
} from "../../components/manifests";
import { httpPort, type PodArgs } from "../../components/podManifest";
import { readStacks } from "../../local/aws/stacks";
import { gitHub } from "../../local/gitHubControl";
import type { Job, JobSpec, Runner } from "../../local/github/types";
import { root } from "../../local/lib/paths";
import {
  apply,
  isLiving,
  isReady,
  kubectl,
  type Manifest,
  type Pod,
  podsIn,
  read,
  statusOf,
} from "./cluster";

/** The stack that `npm start` brought up: its image is the one under test. */
const stack = "local";
const deploymentName = "digdag-runner";
const containers = ["broker", "runner"] as const;
const secretName = "github-credential";
/** On every namespace of a pool, with the campaign it belongs to: the next run finds what a killed one left. */
const campaignLabel = "digdag-runner-campaign";

/** What pools are made for; each removes only its own. */
export type Campaign = "faults" | "theft";

type DeploymentSpec = ReturnType<typeof deploymentSpec<string>>;

/** What a pool may be told, beside what every pool has. */
export interface PoolOptions {
  /** Name of its environment: a label of its runners and the start of their names, such as `f1`. */
  environment: string;
  digdagEndpoint: string;
  /** Default `faults`. */
  campaign?: Campaign;
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

/** What one owner's GitHub, and what one pool of runners is, as far as faults and jobs are concerned. */
export interface PoolIdentity {
  environment: string;
  namespace: string;
  /** `owner/name`: where its runners are registered, and from which its jobs come. */
  repository: string;
}

/** A pool of runners of its own: namespace, credential, repository and Deployment, all made by the product's own functions. */
export class Pool implements PoolIdentity {
  readonly namespace: string;
  readonly repository: string;
  /** The labels that its jobs ask for. */
  readonly labels: string[];

  private constructor(
    readonly environment: string,
    repository: string,
    private options: PoolOptions | undefined,
    /** The credential in use. */
    public token: string,
  ) {
    this.namespace = namespaceOf(environment);
    this.repository = repository;
    this.labels = ["self-hosted", "digdag", environment];
  }

  /** Creates everything; the runners need some seconds more to be online. */
  static async create(options: PoolOptions): Promise<Pool> {
    const repository = `${stackOwner()}/pool-${options.environment}`;
    const pool = new Pool(options.environment, repository, options, newToken());
    await gitHub.putToken({ value: pool.token, scopes: [repository] });
    await commitSomething(repository);
    const { environment, namespace } = pool;
    const metadata = { name: deploymentName, namespace, labels: kubernetesLabels(environment) };
    const own = namespaceManifest(environment, namespace).metadata;
    await apply({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { ...own, labels: { ...own.labels, [campaignLabel]: options.campaign ?? "faults" } },
    });
    const urls = [options.digdagEndpoint, gitHubApiUrl, egressAddressUrl];
    await apply(
      pool.secretManifest(),
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
    );
    await pool.deploy();
    return pool;
  }

  /** The stack `local` as a pool: for what only its load balancer can show. It is neither changed nor destroyed. */
  static ofStack(): Pool {
    const { owner, repository } = localStack();
    return new Pool(stack, `${owner}/${repository}`, undefined, "");
  }

  get replicas(): number {
    return this.options?.replicas ?? 1;
  }

  /** The Deployment as it is now, with these options changed: rolls out, scales, or does nothing. */
  async deploy(change: Partial<PoolOptions> = {}): Promise<void> {
    if (!this.options) throw new Error(`the pool ${this.environment} is Pulumi's`);
    this.options = { ...this.options, ...change };
    const spec = deploymentSpec(await podArgs(this.options));
    const broker = spec.template.spec.initContainers[0];
    for (const [name, value] of Object.entries(this.options.brokerVariables ?? {})) {
      broker?.env.push({ name, value });
    }
    this.options.adapt?.(spec);
    const metadata = {
      name: deploymentName,
      namespace: this.namespace,
      labels: kubernetesLabels(this.environment),
    };
    await apply({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec });
  }

  /** Puts another credential into the Secret, as `pulumi up` does after a rotation; the kubelet brings it to the Pods. */
  async replaceToken(): Promise<void> {
    this.token = newToken();
    await gitHub.putToken({ value: this.token, scopes: [this.repository] });
    await apply(this.secretManifest());
  }

  /** Queues a job of shell steps for this pool. */
  queue(steps: string[], more: Partial<JobSpec> = {}): Promise<Job> {
    return gitHub.queueJob({
      name: "job",
      repository: this.repository,
      labels: this.labels,
      steps: steps.map((run, index) => ({ name: `step ${index + 1}`, run })),
      ...more,
    });
  }

  /** Its jobs, from an id on. */
  jobs(from = 0): Promise<Job[]> {
    return gitHub.jobs({ repository: this.repository, from });
  }

  /** Its registrations, as GitHub lists them. */
  async runners(): Promise<Runner[]> {
    return (await gitHub.runners()).filter(({ name }) => name.startsWith(`digdag-${this.environment}.`));
  }

  /** Its Pods, also those that end. */
  pods(): Promise<Pod[]> {
    return podsIn(this.namespace);
  }

  /** What keeps its Pods from being those that are wanted, each with both containers running; undefined when they are. */
  async unsettledPods(): Promise<string | undefined> {
    const pods = await this.pods();
    const living = pods.filter(isLiving);
    if (living.length !== this.replicas) return `${living.length} of ${this.replicas} Pods`;
    if (pods.some(({ metadata }) => metadata.deletionTimestamp)) return "a Pod that has not ended";
    const waiting = living.find((pod) => containers.some((name) => !statusOf(pod, name)?.state.running));
    return waiting && `Pod ${waiting.metadata.name} does not run`;
  }

  /**
   * What keeps the pool from being as a new one is: one Pod for each replica, ready, each with one registration that is online
   * and idle, and nothing else. Undefined when it is.
   */
  async unsettled(): Promise<string | undefined> {
    const unsettled = await this.unsettledPods();
    if (unsettled) return unsettled;
    const [strays, runners, pods] = [await this.strays(), await this.runners(), await this.pods()];
    if (strays.length > 0) return `registrations without a Pod: ${strays.map(({ name }) => name).join(", ")}`;
    const odd = runners.find(({ status, busy }) => status !== "online" || busy);
    if (odd) return `runner ${odd.name} is ${odd.status}${odd.busy ? " and busy" : ""}`;
    if (runners.length !== this.replicas) return `${runners.length} registrations of ${this.replicas}`;
    const waiting = pods.find((pod) => isLiving(pod) && !isReady(pod));
    return waiting && `Pod ${waiting.metadata.name} is not ready: ${await askBroker(waiting, "readyz")}`;
  }

  /** Registrations that no living Pod can be using: their Pod is gone, or it has a newer one. */
  async strays(): Promise<Runner[]> {
    const living = (await this.pods()).filter(isLiving);
    const newest = new Map<Pod, Runner>();
    const runners = await this.runners();
    for (const runner of runners) {
      const pod = podOf(living, runner.name);
      if (pod && (newest.get(pod)?.id ?? 0) < runner.id) newest.set(pod, runner);
    }
    const inUse = new Set(newest.values());
    return runners.filter((runner) => !inUse.has(runner));
  }

  /** @throws Error naming what is missing after `seconds` */
  async settled(seconds: number): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const missing = await this.unsettled();
      if (missing === undefined) return;
      if (Date.now() > deadline)
        throw new Error(`pool ${this.environment}: after ${seconds} s still ${missing}`);
      await sleep(300);
    }
  }

  /** Faults on the GitHub stand-in that hit this pool alone, until `clearFaults`. */
  addFault(fault: Parameters<typeof gitHub.addFault>[0]): Promise<void> {
    return gitHub.addFault({ ...fault, scope: this.repository });
  }

  /** Whether every fault on order has hit something. */
  async faultsStruck(): Promise<boolean> {
    return (await gitHub.faults()).every(({ scope, hits }) => scope !== this.repository || hits > 0);
  }

  clearFaults(): Promise<void> {
    return gitHub.clearFaults(this.repository);
  }

  /** Removes Pods that ended, and replaces those whose containers were restarted, since the kubelet's back-off grows with each. */
  async freshPods(): Promise<void> {
    const used = (await this.pods()).filter(
      (pod) => !isLiving(pod) || containers.some((name) => (statusOf(pod, name)?.restartCount ?? 0) > 0),
    );
    if (used.length > 0) await endPods(this.namespace, ...used.map(({ metadata }) => metadata.name));
  }

  /** Ends every Pod at once and removes what they left on GitHub, so that the next ones start from nothing. */
  async reset(): Promise<void> {
    await this.clearFaults();
    await cancelJobs(this.repository);
    await endPods(this.namespace);
    for (const { id } of await this.runners()) await removeRunner(id);
  }

  /** Removes everything that `create` made, and every registration and waiting job. */
  async destroy(): Promise<void> {
    await destroyPool(this, this.token);
  }

  private secretManifest(): Manifest {
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secretName, namespace: this.namespace },
      stringData: { token: this.token },
    };
  }
}

/** The Pod a registration belongs to, by its name. */
export function podOf(pods: Pod[], runnerName: string): Pod | undefined {
  return pods.find(({ metadata }) => runnerName.split(".")[1] === metadata.name);
}

/** Answer of a Pod's broker to `/readyz` or `/metrics`, or why there is none. */
export async function askBroker(pod: Pod, path: "readyz" | "metrics"): Promise<string> {
  try {
    const url = `http://${pod.status.podIP}:${httpPort}/${path}`;
    return await (await fetch(url, { signal: AbortSignal.timeout(3000) })).text();
  } catch (error) {
    return `the broker does not answer: ${(error as Error).message}`;
  }
}

/** Removes the pools that a killed run of this campaign left behind. @returns their environments */
export async function removeLeftovers(campaign: Campaign): Promise<string[]> {
  const selector = encodeURIComponent(`${campaignLabel}=${campaign}`);
  const { items } = await read<{ items: Manifest[] }>(`/api/v1/namespaces?labelSelector=${selector}`);
  const environments = items.map(({ metadata }) => metadata.name.replace(namespaceOf(""), ""));
  for (const environment of environments) {
    const namespace = namespaceOf(environment);
    const secret = await read<{ data: { token: string } }>(
      `/api/v1/namespaces/${namespace}/secrets/${secretName}`,
    ).catch(() => undefined);
    const token = secret && Buffer.from(secret.data.token, "base64").toString();
    await destroyPool({ environment, namespace, repository: `${stackOwner()}/pool-${environment}` }, token);
  }
  return environments;
}

const gitHubApiUrl = "https://api.github.com";
const egressAddressUrl = "https://checkip.amazonaws.com";

const namespaceOf = (environment: string) => `digdag-runner-${environment}`;

const newToken = () => `github_pat_faults_${randomBytes(24).toString("hex")}`;

function localStack() {
  const found = readStacks(root).find((one) => one.stack === stack);
  if (!found) throw new Error(`there is no Pulumi.${stack}.yaml`);
  return found;
}

const stackOwner = () => localStack().owner;

/** The image that the stack `local` runs. @throws Error when it is not deployed */
export async function imageUnderTest(): Promise<string> {
  const deployment = await read<{ spec: DeploymentSpec }>(
    `/apis/apps/v1/namespaces/${namespaceOf(stack)}/deployments/${deploymentName}`,
  );
  return deployment.spec.template.spec.containers[0]?.image as string;
}

async function podArgs(options: PoolOptions): Promise<PodArgs & { replicas: number }> {
  const { environment } = options;
  return {
    environment,
    image: options.image ?? (await imageUnderTest()),
    credentialSecret: secretName,
    githubApiUrl: gitHubApiUrl,
    githubOwner: stackOwner(),
    githubRepository: `pool-${environment}`,
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

/** A repository that has nothing in it cannot be checked out. */
async function commitSomething(repository: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "pool-repository-"));
  try {
    writeFileSync(join(directory, "README.md"), "Jobs of the fault campaign run here.\n");
    await gitHub.commit(repository, directory, "First commit");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function cancelJobs(repository: string): Promise<void> {
  for (const { id, status } of await gitHub.jobs({ repository })) {
    if (status !== "completed") await gitHub.cancelJob(id);
  }
}

/** @param names default: all */
async function endPods(namespace: string, ...names: string[]): Promise<void> {
  const which = names.length > 0 ? [...names, "--ignore-not-found"] : ["--all"];
  await kubectl(["delete", "pods", ...which, "--namespace", namespace, "--grace-period=1", "--wait=true"]);
}

/** A runner may unregister by itself just before. */
async function removeRunner(id: number): Promise<void> {
  await gitHub.removeRunner(id).catch((error: Error) => {
    if (!error.message.includes("There is no runner")) throw error;
  });
}

async function destroyPool(
  { environment, namespace, repository }: PoolIdentity,
  token?: string,
): Promise<void> {
  await gitHub.clearFaults(repository);
  await cancelJobs(repository);
  const missing = ["--ignore-not-found", "--namespace", namespace];
  await kubectl(["delete", "deployment", deploymentName, "--cascade=orphan", ...missing]);
  await kubectl(["delete", "replicasets", "--all", "--cascade=orphan", ...missing]);
  await endPods(namespace);
  await kubectl(["delete", "namespace", namespace, "--ignore-not-found", "--wait=true"]);
  if (token) await gitHub.revokeToken(token);
  for (const { id, name } of await gitHub.runners()) {
    if (name.startsWith(`digdag-${environment}.`)) await removeRunner(id);
  }
}
