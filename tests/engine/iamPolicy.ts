import { readFileSync } from "node:fs";

/** An identity policy of IAM, as far as this project's documentation uses the language. */
export interface Policy {
  Statement: { Effect: "Allow"; Action: string[]; Resource: string[] }[];
}

/** One action on one resource, `*` where the request names none. */
export interface Right {
  action: string;
  resource: string;
}

/** `value` is what an IAM pattern with `*` stands for. */
function matches(pattern: string, value: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(value);
}

export function allows(policy: Policy, { action, resource }: Right): boolean {
  return policy.Statement.some(
    ({ Action, Resource }) =>
      Action.some((pattern) => matches(pattern, action)) &&
      Resource.some((pattern) => matches(pattern, resource)),
  );
}

/**
 * The policy in a document: the first JSON block behind a heading, with the words in capitals that stand for a reader's
 * own values replaced.
 * @throws Error when there is none
 */
export function documentedPolicy(file: string, heading: string, own: Record<string, string>): Policy {
  const text = readFileSync(file, "utf8");
  const start = text.indexOf(`\n${heading}\n`);
  const [, json] = /```json\n([\s\S]*?)```/.exec(start < 0 ? "" : text.slice(start)) ?? [];
  if (json === undefined) throw new Error(`${file} has no policy behind "${heading}"`);
  const filled = Object.entries(own).reduce((known, [word, value]) => known.replaceAll(word, value), json);
  return JSON.parse(filled);
}

/** Every action that a policy names. */
export const actionsOf = ({ Statement }: Policy): string[] => Statement.flatMap(({ Action }) => Action);
