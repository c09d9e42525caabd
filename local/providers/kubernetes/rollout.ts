import { isObject, notKnown, type Values } from "../standIn";
import type { KubernetesObject } from "./cluster";

/** How far an object is that is waited for. */
export type Rollout = { state: "done" } | { state: "waiting" | "failed"; message: string };

/** Reads a Deployment's status as `kubectl rollout status` does. */
export function rolloutOf(deployment: KubernetesObject): Rollout {
  const spec = valuesOf(deployment.spec);
  const status = valuesOf(deployment.status);
  const metadata = valuesOf(deployment.metadata);
  const wanted = count(spec.replicas, 1);
  if (count(status.observedGeneration) < count(metadata.generation)) {
    return { state: "waiting", message: "the controller has not seen the change yet" };
  }
  const stalled = listOf(status.conditions).find(
    ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
  );
  if (stalled) {
    return {
      state: "failed",
      message: `the Deployment made no progress: ${stalled.message ?? stalled.reason}`,
    };
  }
  const updated = count(status.updatedReplicas);
  if (updated < wanted) {
    return { state: "waiting", message: `${updated} of ${wanted} new Pods created` };
  }
  const old = count(status.replicas) - updated;
  if (old > 0) {
    return { state: "waiting", message: `${old} old Pods still to stop` };
  }
  const available = count(status.availableReplicas);
  if (available < updated) {
    return { state: "waiting", message: `${available} of ${updated} Pods available` };
  }
  return { state: "done" };
}

/**
 * Reads whether the condition is met that an object's annotation `pulumi.com/waitFor` names.
 *
 * @param waitFor `condition=Ready` or `condition=Ready=False`; JSONPath, which the real provider takes as well, is not known here
 */
export function conditionOf(object: KubernetesObject, waitFor: string): Rollout {
  const [, type, wanted = "True"] = /^condition=([^=]+)(?:=(.+))?$/.exec(waitFor) ?? [];
  if (type === undefined) {
    throw notKnown("kubernetes", `the annotation pulumi.com/waitFor: ${waitFor}`);
  }
  const found = listOf(valuesOf(object.status).conditions).find((condition) => condition.type === type) ?? {};
  if (found.status === wanted) {
    return { state: "done" };
  }
  const why = sentence(found);
  const message = `condition ${type} is ${found.status ?? "not set"}, not ${wanted}${why === "" ? "" : `: ${why}`}`;
  return { state: "waiting", message };
}

/** One line per reason why a Pod is not ready: the Pod, the container, Kubernetes' reason and message. */
export function podProblems(pod: KubernetesObject): string[] {
  const status = valuesOf(pod.status);
  const name = pod.metadata.name;
  const containers = [...listOf(status.initContainerStatuses), ...listOf(status.containerStatuses)];
  const inContainers = containers.flatMap((container) => {
    const waiting = valuesOf(valuesOf(container.state).waiting);
    const ended = valuesOf(valuesOf(container.state).terminated);
    const last = valuesOf(valuesOf(container.lastState).terminated);
    if (waiting.reason !== undefined && waiting.reason !== "PodInitializing") {
      const before = last.reason === undefined ? "" : `; last exit: ${last.reason} (code ${last.exitCode})`;
      return `container ${container.name}: ${sentence(waiting)}${before}`;
    }
    if (ended.exitCode !== undefined && ended.exitCode !== 0) {
      return `container ${container.name}: ${sentence(ended)} (code ${ended.exitCode})`;
    }
    return container.ready === false && valuesOf(container.state).running !== undefined
      ? `container ${container.name}: running, not ready`
      : [];
  });
  const inPod = listOf(status.conditions).flatMap(({ type, status: value, reason, message }) =>
    type === "PodScheduled" && value === "False" ? sentence({ reason, message }) : [],
  );
  return [...inPod, ...inContainers].map((problem) => `Pod ${name}: ${problem}`);
}

function sentence({ reason, message }: Values): string {
  return [reason, message].filter((part) => part !== undefined && part !== "").join(": ");
}

function valuesOf(value: unknown): Values {
  return isObject(value) ? value : {};
}

function listOf(value: unknown): Values[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function count(value: unknown, fallback = 0): number {
  return typeof value === "number" ? value : fallback;
}
