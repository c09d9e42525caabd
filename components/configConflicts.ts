import { type Problem, removeCommand, setCommand } from "./configProblems";
import { rules } from "./configRules";
import type { Values } from "./configSchema";

/** What is wrong with keys about GitHub and the network taken together; each of them may be fine by itself. */
export function conflicts(stack: string, values: Values): Problem[] {
  return [
    ...credentialProblems(stack, values),
    ...groupProblems(stack, values),
    ...proxyProblems(stack, values),
    ...accessProblems(stack, values),
  ];
}

/** A GitHub App is two keys, a token is one; exactly one of the ways must be complete, and the other absent. */
function credentialProblems(stack: string, values: Values): Problem[] {
  const [id, parameter, token] = ["githubAppId", "githubAppParameter", "githubTokenParameter"] as const;
  const set = (key: string) => setCommand(stack, key, rules[key]?.example ?? "");
  const has = (key: string) => values[key] !== "";
  const halfSet = (missing: string, other: string): Problem[] => [
    { key: missing, reason: `is not set, but ${other} is: a GitHub App needs both`, command: set(missing) },
  ];

  const [first, second] = [id, parameter].filter(has);
  if (has(token) && first !== undefined) {
    const reason = `and ${token} are both set: the runners use one credential or the other`;
    // Whoever set up both halves of an App means the App.
    return [{ key: first, reason, command: removeCommand(stack, second === undefined ? first : token) }];
  }
  if (has(token) || second !== undefined) return [];
  if (first === id) return halfSet(parameter, id);
  if (first === parameter) return halfSet(id, parameter);
  const reason = `is not set, nor is ${token}: the runners need a GitHub App, or a personal access token instead`;
  return [{ key: id, reason, command: `${set(id)} && ${set(parameter)}` }];
}

function groupProblems(stack: string, values: Values): Problem[] {
  if (values.runnerGroup === "" || values.githubRepository === "") return [];
  const key = "runnerGroup";
  const reason =
    "is set together with githubRepository, but only an organization has runner groups; for runners of the whole organization remove githubRepository instead";
  return [{ key, reason, command: removeCommand(stack, key) }];
}

/** Each way to admit the runners has keys that mean nothing with the other. */
function accessProblems(stack: string, values: Values): Problem[] {
  const [key, isSet] =
    values.access === "securityGroup"
      ? ["natAddresses", (values.natAddresses as string[]).length > 0]
      : ["sourceSecurityGroupId", values.sourceSecurityGroupId !== ""];
  const reason = `is set, but means nothing while access is ${values.access}`;
  return isSet ? [{ key, reason, command: removeCommand(stack, key) }] : [];
}

function proxyProblems(stack: string, values: Values): Problem[] {
  if (values.httpsProxy !== "" || (values.noProxy as string[]).length === 0) return [];
  const key = "noProxy";
  return [
    { key, reason: "is set without httpsProxy, and means nothing then", command: removeCommand(stack, key) },
  ];
}
