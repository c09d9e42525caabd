import { type Problem, removeCommand, setCommand } from "./configProblems";
import { rules } from "./configRules";
import type { Values } from "./configSchema";
import { SecretDelivery } from "./credential";
import type { GivenValues } from "./runnerSettings";
import { isOlder } from "./versions";

/** What is wrong with keys about GitHub and the network taken together; each of them may be fine by itself. */
export function conflicts(stack: string, values: GivenValues): Problem[] {
  return [
    ...credentialProblems(stack, values),
    ...deliveryProblems(stack, values),
    ...groupProblems(stack, values),
    ...proxyProblems(stack, values),
    ...versionProblems(stack, values),
  ];
}

/** The runners use a GitHub App or a token; the key of what is not used must be absent. */
function credentialProblems(stack: string, values: GivenValues): Problem[] {
  const [id, parameter, token] = ["githubAppId", "githubAppParameter", "githubTokenParameter"] as const;
  const set = (key: string) => setCommand(stack, key, rules[key]?.example ?? "");
  const has = (key: string) => values[key] !== "";

  const [first, second] = [id, parameter].filter(has);
  if (has(token) && first !== undefined) {
    const reason = `and ${token} are both set: the runners use one credential or the other`;
    // Whoever set up both halves of an App means the App.
    return [{ key: first, reason, command: removeCommand(stack, second === undefined ? first : token) }];
  }
  if (has(token) || has(id)) return [];
  const reason = has(parameter)
    ? `is not set, but ${parameter} is: an App is known by its ID`
    : `is not set, nor is ${token}: the runners need a GitHub App, or a personal access token instead`;
  return [{ key: id, reason, command: set(id) }];
}

/** The program itself reads with the role of whoever runs it. */
function deliveryProblems(stack: string, { secretDelivery, secretStoreRoleArn }: GivenValues): Problem[] {
  const key = "secretStoreRoleArn";
  if (secretStoreRoleArn === "" || secretDelivery === SecretDelivery.externalSecrets) return [];
  const reason = "is set, but means nothing unless secretDelivery is externalSecrets";
  return [{ key, reason, command: removeCommand(stack, key) }];
}

/**
 * GitHub registers no older one since 25 September 2026, as its changelog announced ("minimum version"). An
 * Enterprise Server has limits of its own.
 */
const oldestRunner = "2.329.0";

function versionProblems(stack: string, { runnerVersion, githubApiUrl }: GivenValues): Problem[] {
  const key = "runnerVersion";
  const [version, api] = [String(runnerVersion), String(githubApiUrl)];
  const ofGitHub = URL.canParse(api) && /(^|\.)(github|ghe)\.com$/.test(new URL(api).hostname);
  const older = isOlder(version, oldestRunner);
  if (rules[key]?.problem(version) !== undefined || !ofGitHub || !older) return [];
  const reason = `is ${JSON.stringify(version)}: GitHub registers no runner older than ${oldestRunner}`;
  return [{ key, reason, command: removeCommand(stack, key) }];
}

function groupProblems(stack: string, values: GivenValues): Problem[] {
  if (values.runnerGroup === "" || values.githubRepository === "") return [];
  const key = "runnerGroup";
  const reason =
    "is set together with githubRepository, but only an organization has runner groups; for runners of the whole organization remove githubRepository instead";
  return [{ key, reason, command: removeCommand(stack, key) }];
}

/** Each way to admit the runners has keys that mean nothing with the other. */
export function accessProblems(stack: string, values: Values): Problem[] {
  const [key, isSet] =
    values.access === "securityGroup"
      ? ["natAddresses", (values.natAddresses as string[]).length > 0]
      : ["sourceSecurityGroupId", values.sourceSecurityGroupId !== ""];
  const reason = `is set, but means nothing while access is ${values.access}`;
  return isSet ? [{ key, reason, command: removeCommand(stack, key) }] : [];
}

function proxyProblems(stack: string, values: GivenValues): Problem[] {
  if (values.httpsProxy !== "" || (values.noProxy as string[]).length === 0) return [];
  const key = "noProxy";
  return [
    { key, reason: "is set without httpsProxy, and means nothing then", command: removeCommand(stack, key) },
  ];
}
