/** What of a package's schema other programs depend on; docstrings are not part of it. */
export interface Schema {
  version: string;
  resources: Record<string, Shape & { inputProperties: Record<string, object>; requiredInputs: string[] }>;
  types: Record<string, Shape & { enum?: { name: string; value: unknown }[] }>;
}

interface Shape {
  properties?: Record<string, object>;
  required?: string[];
}

/** One difference between two schemas. */
export interface Change {
  /** By which a note must call it: `DigdagRunner`, `replicas`. */
  name: string;
  /** For the message: `input replicas of DigdagRunner was removed`. */
  what: string;
}

type Parts = Record<string, unknown>;

/** What matters of every part of the schema, by its kind and name: `input replicas of DigdagRunner`. */
function partsOf(schema: Schema): Parts {
  const parts: Parts = {};
  const add = (
    owner: string,
    kind: string,
    properties: Record<string, object> = {},
    required: string[] = [],
  ) => {
    for (const [name, property] of Object.entries(properties))
      parts[`${kind} ${name} of ${owner}`] = [withoutDescription(property), required.includes(name)];
  };
  for (const [token, resource] of Object.entries(schema.resources)) {
    const owner = ownName(token);
    parts[`component ${owner}`] = token;
    add(owner, "input", resource.inputProperties, resource.requiredInputs);
    add(owner, "output", resource.properties, resource.required);
  }
  for (const [token, type] of Object.entries(schema.types)) {
    const owner = ownName(token);
    parts[`type ${owner}`] = token;
    add(owner, "property", type.properties, type.required);
    for (const { name, value } of type.enum ?? []) parts[`value ${name} of ${owner}`] = value;
  }
  return parts;
}

const ownName = (token: string) => token.split(":").at(-1) ?? token;

function withoutDescription(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDescription);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key]) => key !== "description");
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutDescription(inner)]));
}

/** How `current` differs from `released`, in the order of the names. */
export function schemaChanges(released: Schema, current: Schema): Change[] {
  const [before, after] = [partsOf(released), partsOf(current)];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((key) => {
    const [old, now] = [before, after].map((parts) =>
      key in parts ? JSON.stringify(parts[key]) : undefined,
    );
    if (old === now) return [];
    const [, name = ""] = key.split(" ");
    const how = old === undefined ? "is new" : now === undefined ? "was removed" : "was changed";
    return [{ name, what: `${key} ${how}` }];
  });
}

/** The text under `## Unreleased`. @throws Error when the changelog has no such heading */
export function unreleasedNotes(changelog: string): string {
  const section = changelog.split(/^## /m).find((text) => text.startsWith("Unreleased\n"));
  if (section === undefined) throw new Error('CHANGELOG.md has no heading "## Unreleased"');
  return section;
}

/** The changes that no line under `## Unreleased` names, in backquotes. */
export function changesWithoutNote(changes: Change[], changelog: string): Change[] {
  const notes = unreleasedNotes(changelog);
  return changes.filter(({ name }) => !notes.includes(`\`${name}\``));
}
