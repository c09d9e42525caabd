import { isObject, type Values } from "../standIn";
import type { Cluster, KubernetesObject, ObjectReference } from "./cluster";

/**
 * Objects in this process's memory, where no cluster is given and no controller runs: every Deployment is rolled out at once, and
 * the condition that `pulumi.com/waitFor` names is met at once.
 */
export class MemoryCluster implements Cluster {
  readonly description = "memory of the stand-in (no cluster was given)";
  private readonly objects = new Map<string, KubernetesObject>();
  private created = 0;

  /** Everything that is there. */
  all(): KubernetesObject[] {
    return structuredClone([...this.objects.values()]);
  }

  async apply(object: KubernetesObject): Promise<KubernetesObject> {
    const key = keyOf({ ...object, ...object.metadata });
    const former = this.objects.get(key);
    const metadata = (former?.metadata ?? {}) as Values;
    const generation = Number(metadata.generation ?? 0) + 1;
    const stored = structuredClone({
      ...object,
      metadata: {
        ...object.metadata,
        uid: metadata.uid ?? `00000000-0000-4000-8000-${String(++this.created).padStart(12, "0")}`,
        generation,
      },
    }) as KubernetesObject;
    if (stored.kind === "Secret") {
      encodeStringData(stored);
    }
    if (stored.kind === "Deployment") {
      stored.status = rolledOut(stored, generation);
    }
    const [, type] = /^condition=(\w+)$/.exec(awaited(stored)) ?? [];
    if (type !== undefined) {
      stored.status = { conditions: [{ type, status: "True" }] };
    }
    this.objects.set(key, stored);
    return structuredClone(stored);
  }

  async get(reference: ObjectReference): Promise<KubernetesObject | undefined> {
    return structuredClone(this.objects.get(keyOf(reference)));
  }

  async delete(reference: ObjectReference): Promise<void> {
    this.objects.delete(keyOf(reference));
    if (reference.kind === "Namespace") {
      for (const [key, object] of this.objects) {
        if (object.metadata.namespace === reference.name) {
          this.objects.delete(key);
        }
      }
    }
  }

  async pods(): Promise<KubernetesObject[]> {
    return [];
  }
}

function keyOf({
  apiVersion,
  kind,
  namespace,
  name,
}: ObjectReference | (KubernetesObject & { name: string })) {
  return [apiVersion, kind, namespace ?? "", name].join("|");
}

function awaited({ metadata: { annotations } }: KubernetesObject): string {
  return isObject(annotations) ? String(annotations["pulumi.com/waitFor"] ?? "") : "";
}

function encodeStringData(secret: KubernetesObject): void {
  const encoded = Object.entries(isObject(secret.stringData) ? secret.stringData : {}).map(
    ([key, value]) => [key, Buffer.from(String(value)).toString("base64")] as const,
  );
  delete secret.stringData;
  secret.data = { ...(isObject(secret.data) ? secret.data : {}), ...Object.fromEntries(encoded) };
}

function rolledOut(deployment: KubernetesObject, generation: number): Values {
  const replicas = isObject(deployment.spec) ? Number(deployment.spec.replicas ?? 1) : 1;
  return {
    observedGeneration: generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
}
