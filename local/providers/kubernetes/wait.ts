import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../standIn";
import { type Cluster, idOf, type KubernetesObject, type ObjectReference } from "./cluster";
import { conditionOf, podProblems, type Rollout, rolloutOf } from "./rollout";

const POLL_MS = 500;
/** The real provider's default for every wait. */
const DEFAULT_TIMEOUT_SECONDS = 600;

/** Thrown when an object exists but is not what was waited for; one reason per line. */
export class NotReadyError extends Error {
  constructor(
    readonly last: KubernetesObject,
    readonly reasons: string[],
  ) {
    super(reasons.join("; "));
  }
}

/**
 * Waits until a Deployment is rolled out, or until an object has the condition that its annotation `pulumi.com/waitFor` names, and
 * returns it. Others are ready once they are applied.
 *
 * @throws NotReadyError when its progress deadline or the resource's timeout passes or the command is cancelled, naming
 *   what the condition or the Deployment's Pods say
 */
export async function waitUntilReady(
  cluster: Cluster,
  object: KubernetesObject,
  operation: Operation,
): Promise<KubernetesObject> {
  const timeout = operation.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS;
  const deadline = Date.now() + timeout * 1000;
  let current = object;
  let shown = "";
  for (;;) {
    const rollout = progressOf(current);
    if (rollout.state === "done") {
      return current;
    }
    const late = Date.now() > deadline;
    const problems = await problemsOf(cluster, current);
    // Cancelled is no other error: the object exists, and a state without it would make the next create fail.
    if (rollout.state === "failed" || late || operation.cancelled.aborted) {
      const why = late ? `timed out after ${timeout} s: ` : operation.cancelled.aborted ? "cancelled: " : "";
      const reason = `${why}${rollout.message}`;
      throw new NotReadyError(current, [`${current.kind} ${idOf(current)}: ${reason}`, ...problems]);
    }
    const message = [rollout.message, ...problems].join("; ");
    if (message !== shown) {
      operation.log(message, { status: true });
      shown = message;
    }
    await sleep(POLL_MS);
    current = (await cluster.get(referenceOf(current))) ?? missing(current);
  }
}

function progressOf(object: KubernetesObject): Rollout {
  const annotations = (object.metadata.annotations ?? {}) as Record<string, string>;
  const waitFor = annotations["pulumi.com/waitFor"];
  if (annotations["pulumi.com/skipAwait"] === "true") {
    return { state: "done" };
  }
  if (waitFor !== undefined) {
    return conditionOf(object, waitFor);
  }
  return object.kind === "Deployment" ? rolloutOf(object) : { state: "done" };
}

/** Waits until an object is gone. */
export async function waitUntilGone(
  cluster: Cluster,
  reference: ObjectReference,
  operation: Operation,
): Promise<void> {
  const timeout = operation.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS;
  const deadline = Date.now() + timeout * 1000;
  for (;;) {
    const current = await cluster.get(reference);
    if (!current) {
      return;
    }
    if (Date.now() > deadline) {
      const finalizers = JSON.stringify(current.metadata.finalizers ?? []);
      throw new Error(
        `${reference.kind} ${idOf(current)} is still there ${timeout} s after its deletion; finalizers: ${finalizers}`,
      );
    }
    await sleep(POLL_MS, undefined, { signal: operation.cancelled });
  }
}

/** What the Pods of a Deployment's newest revision say. Pods on their way out say nothing about the roll-out. */
async function problemsOf(cluster: Cluster, deployment: KubernetesObject): Promise<string[]> {
  if (deployment.kind !== "Deployment") {
    return [];
  }
  const { spec } = deployment as { spec?: { selector?: { matchLabels?: Record<string, string> } } };
  const pods = await cluster.pods(
    deployment.metadata.namespace ?? "default",
    spec?.selector?.matchLabels ?? {},
  );
  return pods.filter((pod) => pod.metadata.deletionTimestamp === undefined).flatMap(podProblems);
}

function referenceOf({ apiVersion, kind, metadata }: KubernetesObject): ObjectReference {
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace };
}

function missing(object: KubernetesObject): never {
  throw new Error(`${object.kind} ${idOf(object)} was deleted while it was awaited`);
}
