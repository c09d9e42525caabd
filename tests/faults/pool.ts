import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gitHub } from "../../local/gitHubControl";
import type { Job, JobSpec, Runner } from "../../local/github/types";
import { apply, isLiving, isReady, type Manifest, type Pod, podsIn, read, statusOf } from "./cluster";
import { askBroker } from "./metrics";
import {
  type Campaign,
  campaignLabel,
  type DeploymentSpec,
  deploymentName,
  deploymentObject,
  namespaceObject,
  namespaceOf,
  newToken,
  type PoolOptions,
  readStack,
  repositoryOf,
  secretName,
  secretObject,
  stackUnderTest,
  supportingObjects,
} from "./poolObjects";
import { cancelJobs, destroyPool, endPods, removeRunner } from "./poolRemoval";
import { containers } from "./processes";

export type { PoolOptions } from "./poolObjects";

/** A pool of runners of its own: namespace, credential, repository and Deployment, all made by the product's own functions. */
export class Pool {
  readonly namespace: string;
  /** `owner/name`: where its runners are registered, and from which its jobs come. */
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
    const { environment } = options;
    const pool = new Pool(environment, repositoryOf(environment), options, newToken());
    await gitHub.putToken({ value: pool.token, scopes: [pool.repository] });
    await commitSomething(pool.repository);
    await apply(namespaceObject(options));
    await apply(secretObject(environment, pool.token), ...supportingObjects(options));
    await pool.deploy();
    return pool;
  }

  /** The stack `local` as a pool: for what only its load balancer can show. It is neither changed nor destroyed. */
  static ofStack(): Pool {
    const { owner, repository } = readStack();
    return new Pool(stackUnderTest, `${owner}/${repository}`, undefined, "");
  }

  get replicas(): number {
    return this.options?.replicas ?? 1;
  }

  /** The Deployment as it is now, with these options changed: rolls out, scales, or does nothing. */
  async deploy(change: Partial<PoolOptions> = {}): Promise<void> {
    if (!this.options) throw new Error(`the pool ${this.environment} is Pulumi's`);
    this.options = { ...this.options, ...change };
    await apply(deploymentObject(this.options, this.options.image ?? (await imageUnderTest())));
  }

  /** Puts another credential into the Secret, as `pulumi up` does after a rotation; the kubelet brings it to the Pods. */
  async replaceToken(): Promise<void> {
    this.token = newToken();
    await gitHub.putToken({ value: this.token, scopes: [this.repository] });
    await apply(secretObject(this.environment, this.token));
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
    await destroyPool(this.environment, this.token);
  }
}

/** The Pod a registration belongs to, by its name. */
export function podOf(pods: Pod[], runnerName: string): Pod | undefined {
  return pods.find(({ metadata }) => runnerName.split(".")[1] === metadata.name);
}

/** Removes the pools that a killed run of this campaign left behind. @returns their environments */
export async function removeLeftovers(campaign: Campaign): Promise<string[]> {
  const selector = encodeURIComponent(`${campaignLabel}=${campaign}`);
  const { items } = await read<{ items: Manifest[] }>(`/api/v1/namespaces?labelSelector=${selector}`);
  const environments = items.map(({ metadata }) => metadata.name.replace(namespaceOf(""), ""));
  await Promise.all(environments.map(removeLeftover));
  return environments;
}

async function removeLeftover(environment: string): Promise<void> {
  const namespace = namespaceOf(environment);
  const secret = await read<{ data: { token: string } }>(
    `/api/v1/namespaces/${namespace}/secrets/${secretName}`,
  ).catch(() => undefined); // it was removed already
  const token = secret && Buffer.from(secret.data.token, "base64").toString();
  await destroyPool(environment, token);
}

/** The image that the stack `local` runs. @throws Error when it is not deployed */
export async function imageUnderTest(): Promise<string> {
  const deployment = await read<{ spec: DeploymentSpec }>(
    `/apis/apps/v1/namespaces/${namespaceOf(stackUnderTest)}/deployments/${deploymentName}`,
  );
  return deployment.spec.template.spec.containers[0]?.image as string;
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
