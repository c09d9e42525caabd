import type { Values } from "../standIn";

/** A Kubernetes object as plain JSON. */
export type KubernetesObject = Values & {
  apiVersion: string;
  kind: string;
  metadata: Values & { name: string; namespace?: string };
};

/** What names one object. */
export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
}

/** The cluster as the stand-in needs it: a real API server, or memory. */
export interface Cluster {
  /** How the cluster calls itself in messages. */
  readonly description: string;
  /** Server-side apply. Rejects with the API server's message, naming other owners when fields conflict. */
  apply(
    object: KubernetesObject,
    options: { fieldManager: string; force: boolean },
  ): Promise<KubernetesObject>;
  /** Undefined when there is no such object. */
  get(reference: ObjectReference): Promise<KubernetesObject | undefined>;
  /** Deletes in the foreground and returns at once; no error when the object is gone already. */
  delete(reference: ObjectReference): Promise<void>;
  /** Pods in a namespace by equality labels. */
  pods(namespace: string, labels: Record<string, string>): Promise<KubernetesObject[]>;
}

const CLUSTER_SCOPED = new Set([
  "APIService",
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "RuntimeClass",
  "StorageClass",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
]);

export function isNamespaced(kind: string): boolean {
  return !CLUSTER_SCOPED.has(kind);
}

/** The reference of an object; `id` is Pulumi's `namespace/name` or `name`. */
export function referenceById(
  id: string,
  { apiVersion, kind }: { apiVersion: unknown; kind: unknown },
): ObjectReference {
  const [first = "", second] = id.split("/");
  return {
    apiVersion: String(apiVersion),
    kind: String(kind),
    name: second ?? first,
    namespace: second === undefined ? undefined : first,
  };
}

export function idOf(object: KubernetesObject): string {
  const { name, namespace } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}
