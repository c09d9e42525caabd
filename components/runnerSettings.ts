import { withoutPrefix } from "./addresses";
import { conflicts } from "./configConflicts";
import { type Problem, setCommand, shown } from "./configProblems";
import { rules } from "./configRules";
import type { Value } from "./configSchema";
import { defaultAppParameter, type SecretDelivery } from "./credential";
import { digdagRelease, type Release, runnerRelease } from "./knownReleases";
import { architectures, type Environment, environments, type Platform, runnerLabels } from "./labels";
import type { ImageBuildArgs } from "./runnerImage";

/** What one environment's runners are deployed with, valid and complete. docs/configuration.md describes it by the same names. */
export interface RunnerSettings extends ImageBuildArgs {
  environment: Environment;
  githubOwner: string;
  /** Not set: the runners belong to the whole organization. */
  githubRepository: string | undefined;
  /** Not set: a GitHub App. */
  githubTokenParameter: string | undefined;
  /** Both are set, or neither is. */
  githubAppId: string | undefined;
  githubAppParameter: string | undefined;
  secretDelivery: SecretDelivery;
  /** For IRSA; not set: the External Secrets Operator reads as itself. */
  secretStoreRoleArn: string | undefined;
  /** Without a slash at its end. */
  githubApiUrl: string;
  namespace: string;
  /** An origin: `https://HOST[:PORT]`. */
  digdagEndpoint: string;
  /** Of an internet-facing ALB; without `/32` and repetition. */
  natAddresses: string[];
  /** Of an internal ALB: the security group that the Pods' traffic carries. */
  sourceSecurityGroupId: string | undefined;
  replicas: number;
  maxJobMinutes: number;
  podPerJob: boolean;
  /** Every label, not only the extra ones. */
  runnerLabels: string[];
  /** Of the organization; not set: its default group. */
  runnerGroup: string | undefined;
  runnerCpu: string;
  runnerMemory: string;
  /** Of an existing PriorityClass; not set: the cluster's default. */
  priorityClassName: string | undefined;
  egressAddressUrl: string;
  /** `http://HOST:PORT`. */
  httpsProxy: string | undefined;
  noProxy: string[];
}

/** The value of every setting by its name. "" or an empty list: not set. undefined: set to what only the deployment will know. */
export type GivenValues = Record<string, Value | undefined>;

/** Whose settings are checked, for the messages. */
export interface Subject {
  stack: string;
  /** `runnerLabels` of every stack of the project, by stack name. */
  stackLabels: Record<string, string[]>;
  /** Whether the value of a setting must not be shown. */
  isSecret(key: string): boolean;
}

/** Checks every value by itself and all together. Pure. */
export function settingProblems(subject: Subject, values: GivenValues): Problem[] {
  return [
    ...ruleProblems(subject, values),
    ...conflicts(subject.stack, values),
    ...labelProblems(subject, values),
    ...releaseProblems(subject, values),
  ];
}

/** Lists element by element, so that each problem names its own. */
function ruleProblems(subject: Subject, values: GivenValues): Problem[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const rule = rules[key];
    const elements = Array.isArray(value)
      ? value.map((element, index) => [`${key}[${index}]`, element] as const)
      : [[key, String(value ?? "")] as const].filter(([, text]) => text !== "");
    return elements.flatMap(([path, text]) => {
      const problem = rule?.problem(text);
      if (rule === undefined || problem === undefined) return [];
      const reason = `is ${shown(key, text, subject.isSecret(key))}: ${problem}`;
      return [{ key: path, reason, command: setCommand(subject.stack, path, rule.example) }];
    });
  });
}

/** A job asks for labels; where two environments share one, a job that asks for it alone runs in either of them. */
function labelProblems({ stack, stackLabels }: Subject, values: GivenValues): Problem[] {
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

function releases(values: GivenValues): { runner: Release; digdag: Release } {
  const architecture = architectures[values.platform as Platform]?.runner ?? "";
  return {
    runner: runnerRelease(String(values.runnerVersion), architecture),
    digdag: digdagRelease(String(values.digdagVersion)),
  };
}

function releaseProblems({ stack }: Subject, values: GivenValues): Problem[] {
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
    return [{ key, reason, command: setCommand(stack, key, rules[key]?.example ?? "") }];
  });
}

/** How a value that passed its rule is used. */
export const normalized = {
  digdagEndpoint: (value: string) => new URL(value).origin,
  natAddresses: (values: string[]) => [...new Set(values.map(withoutPrefix))],
};

/**
 * Completes values without problems.
 * @returns settings in which what is not known yet has no meaning: whoever left it out puts the output in its place
 */
export function settingsFrom(
  environment: Environment,
  values: GivenValues,
  caCertificates: string[],
): RunnerSettings {
  const text = (key: string) => String(values[key] ?? "");
  const optional = (key: string) => text(key) || undefined;
  const platform = text("platform") as Platform;
  const { runner, digdag } = releases(values);
  return {
    environment,
    githubOwner: text("githubOwner"),
    githubRepository: optional("githubRepository"),
    githubTokenParameter: optional("githubTokenParameter"),
    githubAppId: optional("githubAppId"),
    githubAppParameter:
      values.githubAppId === ""
        ? undefined
        : (optional("githubAppParameter") ?? defaultAppParameter(environment)),
    secretDelivery: text("secretDelivery") as SecretDelivery,
    secretStoreRoleArn: optional("secretStoreRoleArn"),
    githubApiUrl: text("githubApiUrl").replace(/\/+$/, ""),
    namespace: optional("namespace") ?? `digdag-runner-${environment}`,
    digdagEndpoint: text("digdagEndpoint") && normalized.digdagEndpoint(text("digdagEndpoint")),
    natAddresses: normalized.natAddresses((values.natAddresses ?? []) as string[]),
    sourceSecurityGroupId: optional("sourceSecurityGroupId"),
    replicas: Number(values.replicas),
    maxJobMinutes: Number(values.maxJobMinutes),
    podPerJob: values.podPerJob === true,
    runnerLabels: runnerLabels(environment, platform, values.runnerLabels as string[]),
    runnerGroup: optional("runnerGroup"),
    runnerCpu: text("runnerCpu"),
    runnerMemory: text("runnerMemory"),
    priorityClassName: optional("priorityClassName"),
    egressAddressUrl: text("egressAddressUrl"),
    httpsProxy: optional("httpsProxy")?.replace(/\/$/, ""),
    noProxy: values.noProxy as string[],
    platform,
    baseImage: text("baseImage"),
    caCertificates,
    runnerVersion: text("runnerVersion"),
    runnerUrl: optional("runnerUrl") ?? runner.url,
    runnerSha256: optional("runnerSha256") ?? runner.sha256 ?? "",
    digdagVersion: text("digdagVersion"),
    digdagUrl: optional("digdagUrl") ?? digdag.url,
    digdagSha256: optional("digdagSha256") ?? digdag.sha256 ?? "",
  };
}
