import { isObject, type Values } from "../standIn";

/** Whether ConfigMaps and Secrets are updated in place: provider settings of the same names. */
export interface Mutability {
  configMap: boolean;
  secret: boolean;
}

/** Properties that Kubernetes does not let anyone change, by kind; those below them count too. */
const IMMUTABLE: Record<string, readonly string[]> = {
  DaemonSet: ["spec.selector"],
  Deployment: ["spec.selector"],
  Job: ["spec.completionMode", "spec.selector", "spec.template"],
  PersistentVolumeClaim: ["spec.accessModes", "spec.storageClassName", "spec.volumeName"],
  ReplicaSet: ["spec.selector"],
  Role: [],
  ClusterRoleBinding: ["roleRef"],
  RoleBinding: ["roleRef"],
  Secret: ["type"],
  StatefulSet: ["spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"],
  StorageClass: ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"],
};

const ALWAYS = ["kind", "metadata.name", "metadata.namespace"];

/** Whether a change of `path` needs a new object, by the real provider's rules. */
export function needsReplacement(path: string, newInputs: Values, mutable: Mutability): boolean {
  const kind = String(newInputs.kind);
  const immutable = [
    ...ALWAYS,
    ...(IMMUTABLE[kind] ?? []),
    ...(kind === "ConfigMap" && (!mutable.configMap || newInputs.immutable === true)
      ? ["data", "binaryData"]
      : []),
    ...(kind === "Secret" && (!mutable.secret || newInputs.immutable === true) ? ["data", "stringData"] : []),
  ];
  return immutable.some(
    (field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`),
  );
}

/** The new object cannot exist beside the old one when both have the same name. */
export function namesCollide(newInputs: Values, oldInputs: Values): boolean {
  const [after, before] = [newInputs.metadata, oldInputs.metadata].map((value) =>
    isObject(value) ? value : {},
  );
  return after?.name === before?.name && after?.namespace === before?.namespace;
}
