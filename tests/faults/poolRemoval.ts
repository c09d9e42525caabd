import { setTimeout as sleep } from "node:timers/promises";
import { gitHub } from "../../local/gitHubControl";
import { kubectl, podsIn } from "./cluster";
import { deploymentName, namespaceOf, repositoryOf } from "./poolObjects";
import { containers, processesOf, signal } from "./processes";

const endSeconds = 60;

/** Cancels what waits or runs. */
export async function cancelJobs(repository: string): Promise<void> {
  for (const { id, status } of await gitHub.jobs({ repository })) {
    if (status !== "completed") await gitHub.cancelJob(id);
  }
}

/**
 * Ends Pods at once, even stopped ones and those that have a long time to drain, which the kubelet would wait for.
 * @param names default: all
 */
export async function endPods(namespace: string, ...names: string[]): Promise<void> {
  const which = names.length > 0 ? [...names, "--ignore-not-found"] : ["--all"];
  const ending = (await podsIn(namespace)).filter(
    ({ metadata: { name } }) => !names[0] || names.includes(name),
  );
  const asked = ["delete", "pods", ...which, "--namespace", namespace, "--grace-period=1", "--wait=false"];
  await kubectl(asked);
  const uids = new Set(ending.map(({ metadata }) => metadata.uid));
  const deadline = Date.now() + endSeconds * 1000;
  for (;;) {
    const left = (await podsIn(namespace)).filter(({ metadata }) => uids.has(metadata.uid));
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`Pods in ${namespace} did not end within ${endSeconds} s`);
    for (const each of left.flatMap((pod) => containers.flatMap((name) => processesOf(pod, name))))
      signal(each, "SIGKILL");
    await sleep(300);
  }
}

/** Removes a registration, which may go by itself just before. */
export async function removeRunner(id: number): Promise<void> {
  await gitHub.removeRunner(id).catch((error: Error) => {
    if (!error.message.includes("There is no runner")) throw error;
  });
}

/** Removes everything of a pool: objects, credential, registrations, jobs that wait, faults. */
export async function destroyPool(environment: string, token?: string): Promise<void> {
  const namespace = namespaceOf(environment);
  const repository = repositoryOf(environment);
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
