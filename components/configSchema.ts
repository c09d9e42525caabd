import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** A configuration value after parsing. An empty string or list means "not set". */
export type Value = string | number | boolean | string[];

/** The value of every key, by its name. */
export type Values = Record<string, Value>;

/** One key of the `config:` block of `Pulumi.yaml`. */
export interface KeySchema {
  type: "string" | "integer" | "boolean" | "array";
  description: string;
  default: Value;
}

/** The project's name and the schema of its keys, in the order of `Pulumi.yaml`. */
export interface ProjectSchema {
  project: string;
  keys: Record<string, KeySchema>;
}

/** Reads the schema, which holds every default, from `Pulumi.yaml` in `projectDir`. */
export function readSchema(projectDir: string): ProjectSchema {
  const { name, config } = parse(readFileSync(join(projectDir, "Pulumi.yaml"), "utf8"));
  return { project: name, keys: config };
}

/**
 * The `runnerLabels` of every stack that has a file in `projectDir`, by stack name. Labels that are not a plain list
 * are left out: the stack they belong to refuses them itself.
 */
export function readStackLabels(projectDir: string, project: string): Record<string, string[]> {
  const stacks: Record<string, string[]> = {};
  for (const file of readdirSync(projectDir)) {
    const stack = /^Pulumi\.([\w-]+)\.yaml$/.exec(file)?.[1];
    if (stack === undefined) continue;
    const labels = parse(readFileSync(join(projectDir, file), "utf8"))?.config?.[`${project}:runnerLabels`];
    stacks[stack] = Array.isArray(labels) ? labels.filter((label) => typeof label === "string") : [];
  }
  return stacks;
}
