import { type Problem, setCommand, shown } from "./configProblems";
import { rules } from "./configRules";
import type { Values } from "./configSchema";

/** What a configuration says of AWS. */
export interface AwsConfig {
  stack: string;
  /** By full name, `aws:region`; lists as JSON. */
  values: Record<string, string>;
}

/**
 * Keys that may hold an ARN, and whether what they name may belong to another account. SSM shares parameters; a role of
 * another account is most likely another environment's.
 */
const arnKeys = {
  loadBalancerName: "own",
  githubAppParameter: "any",
  githubTokenParameter: "any",
  secretStoreRoleArn: "own",
} as const;

/** Region and account belong to the stack, so that a wrong profile is refused instead of being deployed to. */
export function awsProblems({ stack, values }: AwsConfig): Problem[] {
  const problems: Problem[] = [];
  const region = values["aws:region"] ?? "";
  if (!isRegion(region)) {
    const reason = region === "" ? "is not set" : `is ${shown("aws:region", region)}: must be an AWS region`;
    problems.push({ key: "aws:region", reason, command: setCommand(stack, "aws:region", "ap-northeast-1") });
  }
  if (allowedAccounts(values).length === 0) {
    const key = "aws:allowedAccountIds";
    const seen = values[key] === undefined ? "is not set" : `is ${shown(key, values[key])}`;
    const reason = `${seen}: it must list the 12-digit AWS accounts that this stack may be deployed to, each as a text`;
    problems.push({ key, reason, command: setCommand(stack, `${key}[0]`, "123456789012") });
  }
  return problems;
}

/** ARNs of another region or account than the stack's: AWS would answer that there is no such thing. */
export function arnProblems(
  { stack, values: given }: AwsConfig,
  values: Values,
  isSecret: (key: string) => boolean,
): Problem[] {
  const region = given["aws:region"] ?? "";
  const accounts = allowedAccounts(given);
  return Object.entries(arnKeys).flatMap(([key, account]) => {
    const arn = String(values[key]);
    const rule = rules[key];
    if (!arn.startsWith("arn:") || !rule || rule.problem(arn) !== undefined) return [];
    const [, partition, service, arnRegion = "", arnAccount = "", ...resource] = arn.split(":");
    const wrong =
      isRegion(region) && !["", region].includes(arnRegion)
        ? `is in ${arnRegion}, and the stack in ${region} (aws:region)`
        : account === "own" && accounts.length > 0 && !accounts.includes(arnAccount)
          ? `belongs to account ${arnAccount}, and the stack to ${accounts.join(", ")} (aws:allowedAccountIds)`
          : undefined;
    if (wrong === undefined) return [];
    const reason = `is ${shown(key, arn, isSecret(key))}: it ${wrong}`;
    const owner = account === "any" || accounts.includes(arnAccount) ? arnAccount : accounts[0];
    const mended = ["arn", partition, service, arnRegion && region, owner, ...resource].join(":");
    return [{ key, reason, command: setCommand(stack, key, isSecret(key) ? rule.example : mended) }];
  });
}

const isRegion = (region: string) => /^[a-z]{2}(-[a-z]+)+-\d$/.test(region);

/** The accounts that the stack may be deployed to; empty where the list is missing or wrong. */
export function allowedAccounts(values: Record<string, string>): string[] {
  try {
    const accounts: unknown = JSON.parse(values["aws:allowedAccountIds"] ?? "[]");
    const isAccount = (one: unknown) => typeof one === "string" && /^\d{12}$/.test(one);
    return Array.isArray(accounts) && accounts.every(isAccount) ? accounts : [];
  } catch {
    return [];
  }
}
