import { type AccessWay, withoutPrefix } from "./addresses";
import type { CaCertificates } from "./caCertificates";
import { conflicts } from "./configConflicts";
import { nearest, type Problem, removeCommand, setCommand, shown } from "./configProblems";
import { rules } from "./configRules";
import type { KeySchema, ProjectSchema, Value, Values } from "./configSchema";
import { defaultAppParameter } from "./credential";
import { digdagRelease, type Release, runnerRelease } from "./knownReleases";
import { architectures, type Environment, environments, type Platform, runnerLabels } from "./labels";
import type { ImageBuildArgs } from "./runnerImage";

/** The whole configuration of one stack, valid and complete. docs/configuration.md describes the keys. */
export interface Config extends ImageBuildArgs {
  environment: Environment;
  region: string;
  githubOwner: string;
  /** Not set: the runners belong to the organization. */
  githubRepository: string | undefined;
  /** Not set: a GitHub App. */
  githubTokenParameter: string | undefined;
  /** Both are set, or neither is. */
  githubAppId: string | undefined;
  githubAppParameter: string | undefined;
  githubApiUrl: string;
  clusterName: string;
  namespace: string;
  /** An origin: `https://HOST[:PORT]`. */
  digdagEndpoint: string;
  loadBalancerName: string | undefined;
  securityGroupId: string | undefined;
  access: AccessWay;
  /** Where `access` is `securityGroup`; not set: the cluster's own. */
  sourceSecurityGroupId: string | undefined;
  /** Without `/32`; empty means "look them up". */
  natAddresses: string[];
  replicas: number;
  maxJobMinutes: number;
  podPerJob: boolean;
  /** Every label, not only the extra ones. */
  runnerLabels: string[];
  /** Of the organization; not set: its default group. */
  runnerGroup: string | undefined;
  runnerCpu: string;
  runnerMemory: string;
  egressAddressUrl: string;
  /** `http://HOST:PORT`. */
  httpsProxy: string | undefined;
  noProxy: string[];
  manageGitHubSettings: boolean;
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
    ...ruleProblems(raw, values),
    ...conflicts(raw.stack, values),
    ...labelProblems(raw, values),
    ...releaseProblems(raw, values),
    ...caCertificateProblems(raw, values),
    ...settingsProblems(raw, values),
    ...awsProblems(raw),
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

const elementKey = (schema: KeySchema, key: string) => (schema.type === "array" ? `${key}[0]` : key);

const seen = (raw: RawConfig, key: string, value: string) =>
  shown(key, value, raw.secretKeys.has(`${raw.schema.project}:${key}`));

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

function ruleProblems(raw: RawConfig, values: Values): Problem[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const rule = rules[key];
    const elements = Array.isArray(value)
      ? value.map((element, index) => [`${key}[${index}]`, element] as const)
      : [[key, String(value)] as const].filter(([, text]) => text !== "");
    return elements.flatMap(([path, text]) => {
      const problem = rule?.problem(text);
      if (rule === undefined || problem === undefined) return [];
      const reason = `is ${seen(raw, key, text)}: ${problem}`;
      return [{ key: path, reason, command: setCommand(raw.stack, path, rule.example) }];
    });
  });
}

/** A job asks for labels; where two environments share one, a job that asks for it alone runs in either of them. */
function labelProblems({ stack, stackLabels }: RawConfig, values: Values): Problem[] {
  const others = Object.entries(stackLabels).filter(([name]) => name !== stack);
  const names = new Set([...environments, ...others.map(([name]) => name)].filter((name) => name !== stack));
  return (values.runnerLabels as string[]).flatMap((label, index) => {
    const key = `runnerLabels[${index}]`;
    const same = (other: string) => other.toLowerCase() === label.toLowerCase();
    const owner = others.find(([, labels]) => labels.some(same))?.[0];
    const reason = [...names].some(same)
      ? `is ${JSON.stringify(label)}: the label of another environment, whose jobs would run here`
      : owner !== undefined
        ? `is ${JSON.stringify(label)}: stack ${owner} has the same label, so a job that asks for it could run in either; name the environment in it`
        : undefined;
    return reason === undefined
      ? []
      : [{ key, reason, command: setCommand(stack, key, `${label}-${stack}`) }];
  });
}

function releases(values: Values): { runner: Release; digdag: Release } {
  const architecture = architectures[values.platform as Platform]?.runner ?? "";
  return {
    runner: runnerRelease(String(values.runnerVersion), architecture),
    digdag: digdagRelease(String(values.digdagVersion)),
  };
}

function releaseProblems(raw: RawConfig, values: Values): Problem[] {
  return Object.entries(releases(values)).flatMap(([name, { sha256 }]) => {
    const versionProblem = rules[`${name}Version`]?.problem(String(values[`${name}Version`]));
    const key = `${name}Sha256`;
    if (
      values[key] !== "" ||
      sha256 !== undefined ||
      versionProblem !== undefined ||
      !(String(values.platform) in architectures)
    )
      return [];
    const reason = `is not set, and the checksum of version ${values[`${name}Version`]} is not known to this program. Take it from the release's own page`;
    return [{ key, reason, command: setCommand(raw.stack, key, rules[key]?.example ?? "") }];
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

function settingsProblems(raw: RawConfig, values: Values): Problem[] {
  if (values.manageGitHubSettings !== true || values.githubRepository !== "") return [];
  const key = "githubRepository";
  const reason = "is not set, but manageGitHubSettings needs the repository whose settings to manage";
  return [{ key, reason, command: setCommand(raw.stack, key, rules[key]?.example ?? "") }];
}

/** Region and account belong to the stack, so that a wrong profile is refused instead of being deployed to. */
function awsProblems({ stack, values }: RawConfig): Problem[] {
  const problems: Problem[] = [];
  const region = values["aws:region"] ?? "";
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
    const reason = region === "" ? "is not set" : `is ${shown("aws:region", region)}: must be an AWS region`;
    problems.push({ key: "aws:region", reason, command: setCommand(stack, "aws:region", "ap-northeast-1") });
  }
  const accounts = parse(values["aws:allowedAccountIds"] ?? "[]", "array");
  if (
    !Array.isArray(accounts) ||
    accounts.length === 0 ||
    !accounts.every((account) => /^\d{12}$/.test(account))
  ) {
    const key = "aws:allowedAccountIds";
    const reason = "must list the 12-digit AWS accounts that this stack may be deployed to";
    problems.push({ key, reason, command: setCommand(stack, `${key}[0]`, "123456789012") });
  }
  return problems;
}

/** Only for values without problems. */
function build(raw: RawConfig, values: Values): Config {
  const text = (key: string) => String(values[key]);
  const optional = (key: string) => text(key) || undefined;
  const platform = text("platform") as Platform;
  const environment = raw.stack as Environment;
  const { runner, digdag } = releases(values);
  return {
    environment,
    region: raw.values["aws:region"] ?? "",
    githubOwner: text("githubOwner"),
    githubRepository: optional("githubRepository"),
    githubTokenParameter: optional("githubTokenParameter"),
    githubAppId: optional("githubAppId"),
    githubAppParameter:
      text("githubAppId") === ""
        ? undefined
        : (optional("githubAppParameter") ?? defaultAppParameter(environment)),
    githubApiUrl: text("githubApiUrl").replace(/\/+$/, ""),
    clusterName: text("clusterName"),
    namespace: optional("namespace") ?? `digdag-runner-${environment}`,
    digdagEndpoint: new URL(text("digdagEndpoint")).origin,
    loadBalancerName: optional("loadBalancerName"),
    securityGroupId: optional("securityGroupId"),
    access: text("access") as AccessWay,
    sourceSecurityGroupId: optional("sourceSecurityGroupId"),
    natAddresses: [...new Set((values.natAddresses as string[]).map(withoutPrefix))],
    replicas: Number(values.replicas),
    maxJobMinutes: Number(values.maxJobMinutes),
    podPerJob: values.podPerJob === true,
    runnerLabels: runnerLabels(environment, platform, values.runnerLabels as string[]),
    runnerGroup: optional("runnerGroup"),
    runnerCpu: text("runnerCpu"),
    runnerMemory: text("runnerMemory"),
    egressAddressUrl: text("egressAddressUrl"),
    httpsProxy: optional("httpsProxy")?.replace(/\/$/, ""),
    noProxy: values.noProxy as string[],
    platform,
    baseImage: text("baseImage"),
    caCertificates: raw.caCertificates?.certificates ?? [],
    runnerVersion: text("runnerVersion"),
    runnerUrl: optional("runnerUrl") ?? runner.url,
    runnerSha256: optional("runnerSha256") ?? runner.sha256 ?? "",
    digdagVersion: text("digdagVersion"),
    digdagUrl: optional("digdagUrl") ?? digdag.url,
    digdagSha256: optional("digdagSha256") ?? digdag.sha256 ?? "",
    manageGitHubSettings: values.manageGitHubSettings === true,
  };
}
