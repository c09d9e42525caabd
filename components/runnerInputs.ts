import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { parseCaCertificates } from "./caCertificates";
import { notShown, shown } from "./configProblems";
import { type KeySchema, readSchema, type Value } from "./configSchema";
import type { DigdagRunnerArgs } from "./digdagRunnerArgs";
import { environmentProblems, isOutput, isUnset, notSet, whenKnown } from "./inputChecks";
import {
  type GivenValues,
  normalized,
  type RunnerSettings,
  settingProblems,
  settingsFrom,
} from "./runnerSettings";
import { type InputProblem, WrongInputs } from "./wrongInputs";

/** What another resource may make, and a preview of its creation therefore cannot know. */
const outputKeys = [
  "digdagEndpoint",
  "securityGroupId",
  "natAddresses",
  "sourceSecurityGroupId",
  "githubTokenParameter",
  "githubAppParameter",
  "secretStoreRoleArn",
] as const;
type OutputKey = (typeof outputKeys)[number];

const required = ["githubOwner", "digdagEndpoint", "securityGroupId"] as const;

/** The settings of the runners, complete; those in `outputKeys` are checked when they are known. */
export interface RunnerInputs extends Omit<RunnerSettings, OutputKey> {
  digdagEndpoint: pulumi.Input<string>;
  securityGroupId: pulumi.Input<string>;
  natAddresses: pulumi.Input<string[]>;
  sourceSecurityGroupId: pulumi.Input<string> | undefined;
  existingRules: Record<string, string>;
  githubTokenParameter: pulumi.Input<string> | undefined;
  githubAppParameter: pulumi.Input<string> | undefined;
  secretStoreRoleArn: pulumi.Input<string> | undefined;
}

const component = "DigdagRunner";

/**
 * Checks all inputs and fills in the defaults, which are those of `Pulumi.yaml`. What arrives from other programs may be of
 * any type, whatever the schema says.
 * @throws WrongInputs with everything that can be told before the outputs are known
 */
export function runnerInputs(args: DigdagRunnerArgs): RunnerInputs {
  const { environment } = args;
  const { values, problems } = givenValues(args);
  const subject = { stack: String(environment), stackLabels: {}, isSecret: () => false };
  const ca = caCertificates(args);
  const all = [
    ...environmentProblems(environment),
    ...problems,
    ...settingProblems(subject, values).map(({ key, reason }) => ({ propertyPath: key, reason })),
    ...sourceProblems(args),
    ...existingRuleProblems(args),
    ...ca.problems,
  ];
  if (all.length > 0) throw new WrongInputs(component, all);

  const settings = settingsFrom(environment, values, ca.certificates);
  const later = <T>(key: OutputKey, input: pulumi.Input<T>, use?: (value: T) => T) =>
    isOutput(input) ? whenKnown(component, key, input, use) : undefined;
  return {
    ...settings,
    digdagEndpoint:
      later("digdagEndpoint", args.digdagEndpoint, normalized.digdagEndpoint) ?? settings.digdagEndpoint,
    securityGroupId: later("securityGroupId", args.securityGroupId) ?? args.securityGroupId,
    natAddresses:
      later("natAddresses", (args.natAddresses ?? []) as pulumi.Input<string[]>, normalized.natAddresses) ??
      settings.natAddresses,
    sourceSecurityGroupId:
      later("sourceSecurityGroupId", args.sourceSecurityGroupId ?? "") ?? settings.sourceSecurityGroupId,
    existingRules: args.existingRules ?? {},
    githubTokenParameter:
      later("githubTokenParameter", args.githubTokenParameter ?? "") ?? settings.githubTokenParameter,
    githubAppParameter:
      later("githubAppParameter", args.githubAppParameter ?? "") ?? settings.githubAppParameter,
    secretStoreRoleArn:
      later("secretStoreRoleArn", args.secretStoreRoleArn ?? "") ?? settings.secretStoreRoleArn,
  };
}

/** Every setting with its default where it was not given, and what is wrong with its type. */
function givenValues(args: DigdagRunnerArgs): { values: GivenValues; problems: InputProblem[] } {
  const values: GivenValues = {};
  const problems: InputProblem[] = [];
  const refuse = (propertyPath: string, reason: string) => problems.push({ propertyPath, reason });
  const { keys } = readSchema(join(__dirname, ".."));
  for (const [key, schema] of Object.entries(keys)) {
    const value: unknown = args[key as keyof DigdagRunnerArgs];
    values[key] = schema.default;
    if (isUnset(value) || (Array.isArray(value) && value.length === 0)) {
      if (required.some((one) => one === key)) refuse(key, notSet(key));
    } else if (isOutput(value)) {
      if (outputKeys.some((one) => one === key)) values[key] = undefined;
      else refuse(key, "is an output or a secret: it shapes what is created, so it must be a plain value");
    } else if (!hasType(value, schema.type)) {
      refuse(key, wrongType(key, value, schema.type));
    } else {
      values[key] = value as Value;
    }
  }
  return { values, problems };
}

/** An internet-facing ALB sees addresses, an internal one security groups; nothing here can tell which of them it is. */
function sourceProblems({ natAddresses, sourceSecurityGroupId }: DigdagRunnerArgs): InputProblem[] {
  const noAddresses = isUnset(natAddresses) || (Array.isArray(natAddresses) && natAddresses.length === 0);
  if (noAddresses !== isUnset(sourceSecurityGroupId)) return [];
  const seen = noAddresses
    ? "is not set, nor is sourceSecurityGroupId"
    : "and sourceSecurityGroupId are both set";
  const reason = `${seen}: name the NAT gateways' addresses for an internet-facing ALB, or the runners' security group for an internal one`;
  return [{ propertyPath: "natAddresses", reason }];
}

function existingRuleProblems({ existingRules = {} }: DigdagRunnerArgs): InputProblem[] {
  const isId = (id: unknown) => typeof id === "string" && /^sgr-[0-9a-f]+$/.test(id);
  const propertyPath = "existingRules";
  return Object.values(existingRules ?? {}).every(isId)
    ? []
    : [
        {
          propertyPath,
          reason: `is ${shown(propertyPath, JSON.stringify(existingRules))}: must map rules to ids of rules, sgr-…`,
        },
      ];
}

function hasType(value: unknown, type: KeySchema["type"]): boolean {
  if (type === "array") return Array.isArray(value) && value.every((element) => typeof element === "string");
  return type === "integer" ? Number.isInteger(value) : typeof value === type;
}

function wrongType(key: string, value: unknown, type: KeySchema["type"]): string {
  const wanted = type === "array" ? "a list of strings" : `of type ${type}`;
  return `is ${shown(key, JSON.stringify(value))}: must be ${wanted}`;
}

function caCertificates({ caCertificates: given = [] }: DigdagRunnerArgs) {
  const propertyPath = "caCertificates";
  const refused = (reason: string) => ({ certificates: [], problems: [{ propertyPath, reason }] });
  if (isOutput(given))
    return refused("is an output or a secret: it shapes what is created, so it must be a plain value");
  if (!hasType(given, "array")) return refused(`is ${notShown}: must be a list of strings`);
  if (given.length === 0) return { certificates: [], problems: [] };
  const { certificates = [], problems = [] } = parseCaCertificates(given.join("\n"), new Date());
  return {
    certificates,
    problems: problems.map((reason) => ({ propertyPath, reason: `is ${notShown}: it ${reason}` })),
  };
}
