import { isDeepStrictEqual } from "node:util";
import { isObject, type ResourceKind, UNKNOWN, type Values } from "./standIn";

/** One changed property; `path` is in the engine's notation: `spec.containers[0].image`, `data["a.b"]`. */
export interface PropertyChange {
  path: string;
  kind: "add" | "delete" | "update";
}

/** What the engine should do about a resource whose inputs may have changed. */
export interface Plan {
  changes: (PropertyChange & { replace: boolean })[];
  deleteBeforeReplace: boolean;
}

/** The changed properties between two sets of inputs; `__`-keys are the engine's own and are skipped. */
export function changedProperties(before: unknown, after: unknown, path = ""): PropertyChange[] {
  if (isDeepStrictEqual(before, after)) {
    return [];
  }
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => !key.startsWith("__"),
    );
    return keys.flatMap((key) => changedProperties(before[key], after[key], joinKey(path, key)));
  }
  if (Array.isArray(before) && Array.isArray(after) && after.every((item) => item !== UNKNOWN)) {
    const indexes = Array.from({ length: Math.max(before.length, after.length) }, (_, index) => index);
    return indexes.flatMap((index) => changedProperties(before[index], after[index], `${path}[${index}]`));
  }
  if (before === undefined || before === null) {
    return after === undefined || after === null ? [] : [{ path, kind: "add" }];
  }
  return [{ path, kind: after === undefined || after === null ? "delete" : "update" }];
}

/** Compares the inputs of the last deployment (or of the refresh) with the new ones. */
export function planChange(kind: ResourceKind, oldInputs: Values, newInputs: Values): Plan {
  const changes = changedProperties(oldInputs, newInputs)
    .filter((change) => !kind.ignores?.(change.path))
    .map((change) => ({ ...change, replace: kind.replaces(change.path, { oldInputs, newInputs }) }));
  const replaced = changes.some((change) => change.replace);
  return {
    changes,
    deleteBeforeReplace: replaced && (kind.deleteBeforeReplace?.(newInputs, oldInputs) ?? false),
  };
}

function joinKey(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) {
    return `${path}["${key.replaceAll('"', '\\"')}"]`;
  }
  return path === "" ? key : `${path}.${key}`;
}
