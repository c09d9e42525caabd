import type { AccessWay } from "./addresses";
import type { CaCertificates } from "./caCertificates";
import { allowedAccounts, arnProblems, awsProblems } from "./configAws";
import { clusterProblems, type NewCluster, newClusterFrom } from "./configCluster";
import { accessProblems } from "./configConflicts";
import { gitHubSettingsFrom, gitHubSettingsProblems, type ManagedGitHub } from "./configGitHubSettings";
import { nearest, type Problem, removeCommand, setCommand, shown } from "./configProblems";
import { rules } from "./configRules";
import type { KeySchema, ProjectSchema, Value, Values } from "./configSchema";
import { type Environment, environments } from "./labels";
import { type RunnerSettings, type Subject, settingProblems, settingsFrom } from "./runnerSettings";

/** The whole configuration of one stack, valid and complete. docs/configuration.md describes the keys. */
export interface Config extends RunnerSettings, ManagedGitHub {
  region: string;
  clusterName: string;
  /** The cluster that the stack makes by that name; not set: it exists. */
  newCluster: NewCluster | undefined;
  loadBalancerName: string | undefined;
  securityGroupId: string | undefined;
  access: AccessWay;
}

/** What validation starts from: everything as text, as the engine hands it to a program. */
export interface RawConfig {
  stack: string;
  schema: ProjectSchema;
  /** By full name, `digdag-runner:githubOwner`; numbers, booleans and lists as JSON. */
  values: Record<string, string>;
  /** Full names of the keys whose values are encrypted in the stack file. */
  secretKeys: ReadonlySet<string>;
  /** `runnerLabels` of every stack of the project, by stack name. */
  stackLabels: Record<string, string[]>;
  /** What the file named by `caCertificateFile` holds, where that is set. */
  caCertificates?: CaCertificates;
  /** Whether the environment of pulumi has a GITHUB_TOKEN. */
  gitHubToken: boolean;
}

/** A valid configuration, or everything that is wrong with it. */
export type Validation =
  | { config: Config; problems?: undefined }
  | { config?: undefined; problems: Problem[] };

const required = ["githubOwner", "clusterName", "digdagEndpoint"] as const;

/** Checks the whole configuration without asking anybody else. Pure: reads no file and registers nothing. */
export function validate(raw: RawConfig): Validation {
  const { values, problems: parseProblems } = parseValues(raw);
  const problems = [
    ...stackProblems(raw),
    ...unknownKeyProblems(raw),
    ...parseProblems,
    ...required.filter((key) => values[key] === "").map((key) => notSet(raw, key)),
    ...settingProblems(subject(raw), values),
    ...accessProblems(raw.stack, values),
    ...clusterProblems(
      { stack: raw.stack, keys: raw.schema.keys, accounts: allowedAccounts(raw.values) },
      values,
    ),
    ...caCertificateProblems(raw, values),
    ...gitHubSettingsProblems(raw, values),
    ...awsProblems(raw),
    ...arnProblems(raw, values, subject(raw).isSecret),
  ];
  return problems.length > 0 ? { problems } : { config: build(raw, values) };
}

/** What a wrongly typed value leaves behind so that the remaining checks can go on. */
function parseValues(raw: RawConfig): { values: Values; problems: Problem[] } {
  const values: Values = {};
  const problems: Problem[] = [];
  for (const [key, schema] of Object.entries(raw.schema.keys)) {
    const text = raw.values[`${raw.schema.project}:${key}`];
    const value = text === undefined || text === "" ? schema.default : parse(text, schema.type);
    values[key] = value ?? schema.default;
    if (value === undefined && text !== undefined) {
      const reason = `is ${seen(raw, key, text)}: must be ${schema.type === "array" ? "a list of strings" : `of type ${schema.type}`}`;
      problems.push({
        key,
        reason,
        command: setCommand(raw.stack, elementKey(schema, key), rules[key]?.example ?? "false"),
      });
    }
  }
  return { values, problems };
}

function parse(text: string, type: KeySchema["type"]): Value | undefined {
  if (type === "string") return text;
  if (type === "boolean") return text === "true" || text === "false" ? text === "true" : undefined;
  if (type === "integer") return /^-?\d+$/.test(text) ? Number(text) : undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}

const subject = ({ stack, stackLabels, schema, secretKeys }: RawConfig): Subject => ({
  stack,
  stackLabels,
  isSecret: (key) => secretKeys.has(`${schema.project}:${key}`),
});

const elementKey = (schema: KeySchema, key: string) => (schema.type === "array" ? `${key}[0]` : key);

const seen = (raw: RawConfig, key: string, value: string) => shown(key, value, subject(raw).isSecret(key));

function notSet(raw: RawConfig, key: string): Problem {
  const description = raw.schema.keys[key]?.description.replace(/\.$/, "");
  return {
    key,
    reason: `is not set. ${description}`,
    command: setCommand(raw.stack, key, rules[key]?.example ?? ""),
  };
}

function stackProblems({ stack }: RawConfig): Problem[] {
  if ((environments as readonly string[]).includes(stack)) return [];
  const reason = `is called ${JSON.stringify(stack)}: a stack is an environment, one of ${environments.join(", ")}`;
  return [{ key: "the stack", reason, command: `pulumi stack select --create ${environments[0]}` }];
}

function unknownKeyProblems({ stack, schema, values }: RawConfig): Problem[] {
  const prefix = `${schema.project}:`;
  return Object.keys(values)
    .filter((name) => name.startsWith(prefix) && !(name.slice(prefix.length) in schema.keys))
    .map((name) => {
      const key = name.slice(prefix.length);
      const suggestion = nearest(key, Object.keys(schema.keys));
      const reason = `is not a key of this program${suggestion ? `; perhaps ${suggestion} was meant` : ""}`;
      return { key, reason, command: removeCommand(stack, key) };
    });
}

function caCertificateProblems(raw: RawConfig, values: Values): Problem[] {
  const key = "caCertificateFile";
  const file = String(values[key]);
  const rule = rules[key];
  if (file === "" || rule?.problem(file) !== undefined) return [];
  return (raw.caCertificates?.problems ?? []).map((problem) => ({
    key,
    reason: `is ${seen(raw, key, file)}: it ${problem}`,
    command: setCommand(raw.stack, key, rule?.example ?? ""),
  }));
}

/** Only for values without problems. */
function build(raw: RawConfig, values: Values): Config {
  const optional = (key: string) => String(values[key]) || undefined;
  const settings = settingsFrom(raw.stack as Environment, values, raw.caCertificates?.certificates ?? []);
  return {
    ...settings,
    ...gitHubSettingsFrom(settings, values),
    region: raw.values["aws:region"] ?? "",
    clusterName: String(values.clusterName),
    newCluster: newClusterFrom(values),
    loadBalancerName: optional("loadBalancerName"),
    securityGroupId: optional("securityGroupId"),
    access: values.access as AccessWay,
  };
}
