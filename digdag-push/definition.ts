import { structuredPatch } from "diff";
import { type Config, isConfig, type Value } from "./yaml";

/** A workflow's definition, from its file or from the server. */
export interface Definition {
  timezone: string;
  config: Config;
}

/**
 * The definition as lines that are equal for equal definitions: parameters sorted (Digdag does not care about their
 * order), the operator first, tasks in their order, and scalars as text, since the server's JSON and YAML type them differently.
 */
export function definitionLines({ timezone, config }: Definition): string[] {
  return [`timezone: ${timezone}`, ...mappingLines(config, "")];
}

/** What changed, as a unified diff without file names; empty when nothing did. */
export function definitionDiff(before: Definition, after: Definition): string {
  const text = (definition: Definition) => `${definitionLines(definition).join("\n")}\n`;
  const { hunks } = structuredPatch("", "", text(before), text(after), "", "", { context: 3 });
  return hunks
    .flatMap(({ oldStart, newStart, lines }) => [`@@ -${oldStart} +${newStart} @@`, ...lines])
    .join("\n");
}

function mappingLines(config: Config, indent: string): string[] {
  return Object.keys(config)
    .map((key, index) => ({ key, index }))
    .sort(
      (a, b) =>
        rank(a.key) - rank(b.key) || (rank(a.key) === TASK ? a.index - b.index : a.key < b.key ? -1 : 1),
    )
    .flatMap(({ key }) => valueLines(`${indent}${key}:`, config[key] ?? null, `${indent}  `));
}

const TASK = 3;

function rank(key: string): number {
  if (key.startsWith("+")) return TASK;
  if (key.endsWith(">")) return 0;
  return key.startsWith("_") ? 2 : 1;
}

function valueLines(head: string, value: Value, indent: string): string[] {
  if (isConfig(value)) {
    return Object.keys(value).length === 0 ? [`${head} {}`] : [head, ...mappingLines(value, indent)];
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${head} []`];
    return [head, ...value.flatMap((item) => valueLines(`${indent}-`, item, `${indent}  `))];
  }
  const text = String(value ?? "");
  if (!text.includes("\n")) return [text === "" ? head : `${head} ${text}`];
  return [
    `${head} |`,
    ...text
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => `${indent}${line}`),
  ];
}
