import { randomBytes } from "node:crypto";
import {
  InitializationError,
  isObject,
  notKnown,
  type ProviderStandIn,
  type ResourceKind,
  secret,
  type Values,
} from "../standIn";
import { type Cluster, idOf, isNamespaced, type KubernetesObject, referenceById } from "./cluster";
import { liveInputs } from "./drift";
import { connectCluster } from "./liveCluster";
import { MemoryCluster } from "./memoryCluster";
import { type Mutability, namesCollide, needsReplacement } from "./replacement";
import { NotReadyError, waitUntilGone, waitUntilReady } from "./wait";

const AUTONAMED = "pulumi.com/autonamed";
const FORCE = "pulumi.com/patchForce";

/** Where the stand-in applies objects. */
export interface KubernetesOptions {
  /** Kubeconfig file of the cluster; absent keeps objects in memory. */
  kubeconfig?: string;
  /** A context of that file other than the current one. */
  context?: string;
  /** What to apply to without a kubeconfig, instead of a new memory. */
  cluster?: Cluster;
}

/** Stand-in for the `kubernetes` provider plugin: server-side apply to a cluster of this machine's choice. */
export function kubernetesStandIn({
  kubeconfig,
  context,
  cluster: memory = new MemoryCluster(),
}: KubernetesOptions): ProviderStandIn {
  return {
    name: "kubernetes",
    version: "4.34.2",
    async configure(settings, session) {
      const cluster = kubeconfig ? connectCluster(kubeconfig, context) : memory;
      session.log(
        `the kubernetes stand-in uses ${cluster.description} instead of the cluster that the program's kubeconfig names`,
        { status: true },
      );
      const mutable = {
        configMap: isTrue(settings.enableConfigMapMutable),
        secret: isTrue(settings.enableSecretMutable),
      };
      const force = isTrue(settings.enablePatchForce);
      const namespace = typeof settings.namespace === "string" ? settings.namespace : "default";
      const upsert = isTrue(settings.upsertExistingObjects);
      const kind = objectKind(cluster, { mutable, upsert, force, namespace });
      return {
        resource(type) {
          if (!/^kubernetes:[a-z0-9.-]+(\/v\w+)?:[A-Z]\w*$/.test(type) || type.endsWith("Patch")) {
            throw notKnown("kubernetes", `the resource type ${type}`);
          }
          return kind;
        },
        async invoke(token) {
          throw notKnown("kubernetes", `the function ${token}`);
        },
      };
    },
  };
}

interface Settings {
  mutable: Mutability;
  /** Whether a create may take over an object that is there already. */
  upsert: boolean;
  force: boolean;
  namespace: string;
}

function objectKind(cluster: Cluster, { mutable, upsert, force, namespace }: Settings): ResourceKind {
  async function applyAndWait(
    inputs: Values,
    fieldManager: string,
    operation: Parameters<ResourceKind["create"]>[1],
  ) {
    const annotations = metadataOf(inputs).annotations;
    const forced = force || (isObject(annotations) && annotations[FORCE] === "true");
    const applied = await cluster.apply(inputs as KubernetesObject, { fieldManager, force: forced });
    try {
      const ready = await waitUntilReady(cluster, applied, operation);
      return { id: idOf(ready), outputs: toOutputs(ready, inputs, fieldManager) };
    } catch (error) {
      if (!(error instanceof NotReadyError)) {
        throw error;
      }
      const outputs = toOutputs(error.last, inputs, fieldManager);
      throw new InitializationError(idOf(applied), outputs, inputs, error.reasons);
    }
  }

  return {
    computed: ["status"],
    check(inputs, { name, random, oldInputs }) {
      const metadata = { ...metadataOf(inputs) };
      if (metadata.name === undefined) {
        const former = metadataOf(oldInputs ?? {});
        const automatic = isObject(former.annotations) && former.annotations[AUTONAMED] === "true";
        metadata.name = automatic ? former.name : `${name}-${random.slice(0, 8)}`;
        metadata.annotations = {
          ...(isObject(metadata.annotations) ? metadata.annotations : {}),
          [AUTONAMED]: "true",
        };
      }
      if (metadata.namespace === undefined && isNamespaced(String(inputs.kind))) {
        metadata.namespace = namespace;
      }
      return { ...inputs, metadata };
    },
    replaces: (path, { newInputs }) => needsReplacement(path, newInputs, mutable),
    deleteBeforeReplace: namesCollide,
    async create(inputs, operation) {
      const object = inputs as KubernetesObject;
      if (!upsert && (await cluster.get({ ...kindOf(inputs, {}), ...object.metadata }))) {
        throw new Error(
          `${object.kind} ${idOf(object)} already exists; import it, delete it, or set upsertExistingObjects on the provider`,
        );
      }
      return applyAndWait(inputs, `pulumi-kubernetes-${randomBytes(4).toString("hex")}`, operation);
    },
    async read(id, inputs, state) {
      const live = await cluster.get(referenceById(id, kindOf(inputs, state)));
      if (!live) {
        return undefined;
      }
      const known = Object.keys(inputs).length > 0 ? inputs : live;
      return { outputs: toOutputs(live, known, state.__fieldManager), inputs: liveInputs(known, live) };
    },
    async update(_id, inputs, state, operation) {
      return (await applyAndWait(inputs, String(state.__fieldManager), operation)).outputs;
    },
    async delete(id, state, operation) {
      const reference = referenceById(id, kindOf(state, {}));
      await cluster.delete(reference);
      await waitUntilGone(cluster, reference, operation);
    },
  };
}

function kindOf(inputs: Values, state: Values) {
  return {
    apiVersion: String(inputs.apiVersion ?? state.apiVersion),
    kind: String(inputs.kind ?? state.kind),
  };
}

/** The live object. `data` that the API server made of a Secret's `stringData` is as secret as that was. */
function toOutputs(live: KubernetesObject, inputs: Values, fieldManager: unknown): Values {
  const outputs: Values = { ...live, __fieldManager: fieldManager };
  if (live.kind === "Secret" && inputs.stringData !== undefined && live.data !== undefined) {
    outputs.data = secret(live.data);
  }
  return outputs;
}

function metadataOf(inputs: Values): Values {
  return isObject(inputs.metadata) ? inputs.metadata : {};
}

function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}
