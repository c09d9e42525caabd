import { isOwn, kindOf, type PlanResource } from "./plan";
import type { Place } from "./values";

/** The Pods that a resource makes. */
export interface Pod {
  spec: Place;
  labels: Place;
  /** Init containers first. */
  containers: Container[];
}

/** A container of a Pod. */
export interface Container {
  name: string | undefined;
  at: Place;
  /** Environment variables in their order. */
  env: Variable[];
  mounts: Mount[];
}

/** An environment variable. */
export interface Variable {
  name: string;
  at: Place;
  value: Place;
}

/** A volume as a container sees it. */
export interface Mount {
  /** Name of the volume. */
  volume: string | undefined;
  at: Place;
  readOnly: boolean;
}

/** Where each kind has the Pod's metadata and spec. */
const templates: Record<string, string[]> = {
  Pod: [],
  PodTemplate: ["template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
  ...Object.fromEntries(
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"].map((kind) => [
      kind,
      ["spec", "template"],
    ]),
  ),
};

/** What a resource runs; undefined for a resource that runs no Pods. */
export function podOf(resource: PlanResource): Pod | undefined {
  const path = templates[kindOf(resource) ?? ""];
  if (path === undefined) return undefined;
  const template = resource.inputs.get(...path);
  const spec = template.get("spec");
  return {
    spec,
    labels: template.get("metadata", "labels"),
    containers: ["initContainers", "containers", "ephemeralContainers"]
      .flatMap((list) => spec.get(list).items)
      .map(container),
  };
}

/** The runners' Pods: what this product's components make, and whatever else carries the runners' labels. */
export function runnerPodOf(resource: PlanResource): Pod | undefined {
  const pod = podOf(resource);
  if (!pod) return undefined;
  return isOwn(resource) || pod.labels.get("app.kubernetes.io/name").text === "digdag-runner"
    ? pod
    : undefined;
}

/** The containers of a name, of which a Pod has one at most. */
export const containersNamed = ({ containers }: Pod, name: string): Container[] =>
  containers.filter((candidate) => candidate.name === name);

/** The value of a variable; a place with nothing at it when the container has none of that name. */
export function variable({ env, at }: Container, name: string): Place {
  return env.find((candidate) => candidate.name === name)?.value ?? at.get("env", name);
}

function container(at: Place): Container {
  return {
    name: at.get("name").text,
    at,
    env: at.get("env").items.map((item) => ({
      name: item.get("name").text ?? "",
      at: item,
      value: item.get("value"),
    })),
    mounts: at.get("volumeMounts").items.map((mount) => ({
      volume: mount.get("name").text,
      at: mount,
      readOnly: mount.get("readOnly").value === true,
    })),
  };
}
