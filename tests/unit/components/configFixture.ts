import assert from "node:assert/strict";
import { join } from "node:path";
import { renderProblems } from "../../../components/configProblems";
import { readSchema } from "../../../components/configSchema";
import { type Config, type RawConfig, validate } from "../../../components/configValidation";

export const root = join(__dirname, "..", "..", "..");
export const schema = readSchema(root);

export const complete = {
  githubOwner: "example-org",
  githubRepository: "digdag-workflows",
  githubTokenParameter: "/digdag-runner/stg/github-token",
  clusterName: "digdag-stg",
  digdagEndpoint: "https://digdag.stg.example.com",
};

export type Changes = Record<string, unknown>;

/** What the engine would hand over for a stack file with `complete` and `changes`; undefined removes a key. */
export function raw(changes: Changes = {}, more: Partial<RawConfig> = {}): RawConfig {
  const keys = {
    ...complete,
    "aws:region": "ap-northeast-1",
    "aws:allowedAccountIds": ["123456789012"],
    ...changes,
  };
  const values = Object.entries(keys)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [
      key.includes(":") ? key : `${schema.project}:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
  return {
    stack: "stg",
    schema,
    values: Object.fromEntries(values),
    secretKeys: new Set(),
    stackLabels: { stg: [], prd: [] },
    gitHubToken: true,
    ...more,
  };
}

export function valid(changes: Changes = {}, more: Partial<RawConfig> = {}): Config {
  const { config, problems } = validate(raw(changes, more));
  assert.ok(config, problems && renderProblems("stg", problems));
  return config;
}

export function problemsOf(changes: Changes, more: Partial<RawConfig> = {}) {
  const { problems } = validate(raw(changes, more));
  assert.ok(problems, "expected a problem");
  return problems;
}

export function onlyProblem(changes: Changes, more: Partial<RawConfig> = {}) {
  const [problem, ...others] = problemsOf(changes, more);
  assert.deepEqual(others, []);
  assert.ok(problem);
  return problem;
}

/**
 * What the engine would read after `pulumi config` commands like those of problems, on top of `before`. In a list the command makes
 * numbers and booleans of what looks like them, unless it is told otherwise (`pulumi config set --help`).
 */
export function mended(commands: string, before: Changes = {}): Changes {
  const changes: Changes = {};
  for (const command of commands.split(" && ")) {
    const pattern =
      /^pulumi config (set|rm) --stack \w+ (?:(--type string )?--path '([\w:]+)\[(\d+)\]'|(\S+)) ?(.*)$/;
    const [, verb, asText, listKey, index, key = "", value = ""] = pattern.exec(command) ?? [];
    const read = !asText && /^(true|false|-?\d+)$/.test(value) ? JSON.parse(value) : value;
    assert.ok(verb, command);
    if (listKey === undefined) {
      changes[key] = verb === "rm" ? undefined : value;
    } else {
      const list = [...((before[listKey] ?? []) as unknown[])];
      list.splice(Number(index), 1, ...(verb === "rm" ? [] : [read]));
      changes[listKey] = list;
    }
  }
  return changes;
}
