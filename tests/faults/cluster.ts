import { Api } from "../../local/kubernetes/api";
import { paths } from "../../local/kubernetes/paths";
import { processStatus } from "../../local/lib/processes";
import { type RunResult, run } from "../../local/lib/run";
import { readState } from "../../local/lib/state";

interface ContainerStatus {
  name: string;
  /** `containerd://ID`; absent before the container is made. */
  containerID?: string;
  restartCount: number;
  state: { running?: object; terminated?: { reason?: string }; waiting?: { reason?: string } };
  lastState: { terminated?: { reason?: string; exitCode: number } };
}

/** What is read of a Pod. */
export interface Pod {
  metadata: { name: string; uid: string; namespace: string; deletionTimestamp?: string };
  spec: { containers: { name: string; image: string }[] };
  status: {
    phase: string;
    reason?: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** Any object for `apply`. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** @throws Error with the remedy where there is no local node to break */
export function requireLocalNode(): void {
  if (processStatus("kubelet") !== "running" || processStatus("github") !== "running") {
    throw new Error(
      readState().context
        ? "faults hit the node itself, so they need the local system's own: `npm stop`, then `npm start` without --context"
        : "the local system is not running: `npm start` first",
    );
  }
}

/** Runs kubectl against the local node. @throws Error with what it said */
export function kubectl(args: string[], options: { input?: string; allowFailure?: boolean } = {}) {
  return run("kubectl", ["--kubeconfig", paths.kubeconfig, ...args], {
    ...options,
    timeoutSeconds: 240,
  }) as Promise<RunResult>;
}

/** Makes objects be as the manifests say. */
export async function apply(...manifests: Manifest[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: manifests };
  await kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], { input: JSON.stringify(list) });
}

const api = () => new Api(paths.kubeconfig);

/** One object as the API server holds it. */
export async function read<T>(path: string): Promise<T> {
  return JSON.parse(await api().call("GET", path)) as T;
}

/** Every Pod of a namespace, also one that ends. */
export function podsIn(namespace: string): Promise<Pod[]> {
  return api().list<Pod>(`/api/v1/namespaces/${namespace}/pods`);
}

/** Status of a Pod's container, sidecars included. */
export function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  return [...containerStatuses, ...initContainerStatuses].find(({ name }) => name === container);
}

/** Whether the Pod is to stay: neither ended nor asked to end. */
export function isLiving({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && !["Failed", "Succeeded"].includes(status.phase);
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
