import type { Values } from "../standIn";
import { ApiError, callApi } from "./apiServer";
import type { Cluster, KubernetesObject, ObjectReference } from "./cluster";
import { type Connection, readConnection } from "./kubeconfig";

/** The media type of server-side apply; JSON is YAML. */
const APPLY = "application/apply-patch+yaml";
const NOT_FOUND = 404;

/** A resource type as the API server's discovery describes it. */
interface ApiResource {
  /** Plural, as in URLs. */
  name: string;
  kind: string;
  namespaced: boolean;
}

/** A real API server. */
class LiveCluster implements Cluster {
  readonly description: string;
  private readonly discovered = new Map<string, ApiResource[]>();

  constructor(private readonly connection: Connection) {
    this.description = `cluster "${connection.name}" at ${connection.server.origin}`;
  }

  async apply(object: KubernetesObject, { fieldManager, force }: { fieldManager: string; force: boolean }) {
    const query = new URLSearchParams({ fieldManager, force: String(force) });
    const path = await this.path({ ...object, ...object.metadata });
    return plain(
      await callApi(this.connection, "PATCH", `${path}?${query}`, { type: APPLY, content: object }),
    );
  }

  async get(reference: ObjectReference): Promise<KubernetesObject | undefined> {
    const found = await unlessMissing(async () =>
      callApi(this.connection, "GET", await this.path(reference)),
    );
    return found && plain(found);
  }

  async delete(reference: ObjectReference): Promise<void> {
    await unlessMissing(async () =>
      callApi(this.connection, "DELETE", `${await this.path(reference)}?propagationPolicy=Foreground`),
    );
  }

  async pods(namespace: string, labels: Record<string, string>): Promise<KubernetesObject[]> {
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const query = new URLSearchParams({ labelSelector: selector.join(",") });
    const list = await callApi(this.connection, "GET", `/api/v1/namespaces/${namespace}/pods?${query}`);
    return (list.items as Values[]).map(plain);
  }

  private async path({ apiVersion, kind, name, namespace }: ObjectReference): Promise<string> {
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const resource = await this.discover(base, kind);
    const scope = resource.namespaced ? `/namespaces/${namespace ?? "default"}` : "";
    return `${base}${scope}/${resource.name}/${name}`;
  }

  private async discover(base: string, kind: string): Promise<ApiResource> {
    const find = () =>
      this.discovered.get(base)?.find((resource) => resource.kind === kind && !resource.name.includes("/"));
    if (!find()) {
      const list = await unlessMissing(() => callApi(this.connection, "GET", base));
      this.discovered.set(base, (list?.resources ?? []) as ApiResource[]);
    }
    const found = find();
    if (!found) {
      throw new Error(`no matches for kind "${kind}" in version "${base.replace(/^\/apis?\//, "")}"`);
    }
    return found;
  }
}

/**
 * The cluster that a kubeconfig file names.
 *
 * @param context the file's current context when absent
 */
export function connectCluster(kubeconfig: string, context?: string): Cluster {
  return new LiveCluster(readConnection(kubeconfig, context));
}

/** Without the list of who owns which field. */
function plain(object: Values): KubernetesObject {
  const { managedFields: _, ...metadata } = (object.metadata ?? {}) as Values;
  return { ...object, metadata } as KubernetesObject;
}

async function unlessMissing<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof ApiError && error.status === NOT_FOUND) {
      return undefined;
    }
    throw error;
  }
}
