import { isObject, type Values } from "../standIn";

/** AWS's list form of tags. */
export interface Tag {
  Key?: string;
  Value?: string;
}

/** Pulumi's map of tags as AWS's list. */
export function toTagList(tags: unknown): { Key: string; Value: string }[] {
  return isObject(tags) ? Object.entries(tags).map(([Key, value]) => ({ Key, Value: String(value) })) : [];
}

/** AWS's list of tags as Pulumi's map. */
export function toTagMap(tags: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

/** Inputs with the provider's default tags merged in, as the real provider's check does. */
export function withDefaultTags(inputs: Values, defaultTags: Record<string, string>): Values {
  const tags = { ...defaultTags, ...(isObject(inputs.tags) ? inputs.tags : {}) };
  return Object.keys(tags).length === 0 ? inputs : { ...inputs, tags };
}

/** Which tags to set and which to remove to get from one map to another. */
export function changedTags(before: unknown, after: unknown) {
  const kept = isObject(after) ? after : {};
  return {
    set: toTagList(after),
    remove: Object.keys(isObject(before) ? before : {}).filter((key) => !(key in kept)),
  };
}
