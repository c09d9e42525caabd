import { type Problem, removeCommand, setCommand } from "./configProblems";
import { rules } from "./configRules";
import type { Values } from "./configSchema";
import type { RunnerSettings } from "./runnerSettings";

/** What is managed on GitHub's side, valid and complete; nothing where there is nothing to manage. */
export interface ManagedGitHub {
  /** Repositories of `githubOwner` that get the environment and its variables. Empty: nothing is managed. */
  managedRepositories: string[];
  /** Logins, and teams as `ORGANIZATION/TEAM`, each once. */
  deploymentReviewers: string[];
  deploymentBranches: string[];
  /** What the managed runner group admits. Empty: the runners belong to one repository, or to a group that is there already. */
  runnerGroupWorkflows: string[];
  /** As in RunnerSettings; where a group is managed it is that group's name. */
  runnerGroup: string | undefined;
}

/** Whose configuration it is, and what is known of where it runs. */
interface Where {
  stack: string;
  /** Whether the environment of pulumi has a GITHUB_TOKEN. */
  gitHubToken: boolean;
}

const groupKeys = ["runnerGroupRepositories", "runnerGroupWorkflows"] as const;
const environmentKeys = ["deploymentReviewers", "deploymentBranches"] as const;

/**
 * GitHub takes no more ("Deployments and environments" of its documentation: "You can list up to six users or teams").
 */
const mostReviewers = 6;

const list = (values: Values, key: string) => values[key] as string[];

/** What is wrong with the keys of GitHub's side taken together. */
export function gitHubSettingsProblems({ stack, gitHubToken }: Where, values: Values): Problem[] {
  const meaningless = (keys: readonly string[], why: string): Problem[] =>
    keys
      .filter((key) => list(values, key).length > 0)
      .map((key) => ({
        key,
        reason: `is set, but means nothing ${why}`,
        command: removeCommand(stack, key),
      }));
  if (values.manageGitHubSettings !== true)
    return meaningless([...environmentKeys, ...groupKeys], "while manageGitHubSettings is false");
  return [
    ...(values.githubRepository === ""
      ? groupKeys.filter((key) => list(values, key).length === 0).map((key) => notSet(stack, values, key))
      : meaningless(groupKeys, "with githubRepository: only an organization has runner groups")),
    ...(gitHubToken ? [] : [tokenProblem]),
    ...reviewerProblems(stack, values),
    ...branchProblems(stack, values),
    ...workflowProblems(stack, values),
  ];
}

/** Without a token nothing may be planned: what the stack manages already would look as if it were to be removed. */
const tokenProblem: Problem = {
  key: "GITHUB_TOKEN",
  reason:
    "is not in the environment of pulumi, but manageGitHubSettings needs a token for GitHub; what it must be allowed is in docs/operations.md",
  command: 'export GITHUB_TOKEN="$(gh auth token)"',
};

function notSet(stack: string, values: Values, key: (typeof groupKeys)[number]): Problem {
  const example = (rules[key]?.example ?? "").replace(
    "example-org",
    String(values.githubOwner) || "example-org",
  );
  const reason =
    "is not set: manageGitHubSettings without githubRepository makes a runner group, which must not be open to a whole organization";
  return { key, reason, command: setCommand(stack, `${key}[0]`, example) };
}

const sameName = (one: unknown, other: unknown) => String(one).toLowerCase() === String(other).toLowerCase();

/** Each once: GitHub's names differ in more than case. */
const distinct = (names: string[]) =>
  names.filter((name, index) => names.findIndex((other) => sameName(name, other)) === index);

function reviewerProblems(stack: string, values: Values): Problem[] {
  const key = "deploymentReviewers";
  const reviewers = list(values, key);
  const foreign = reviewers.flatMap((reviewer, index): Problem[] => {
    const [organization, team] = reviewer.split("/");
    if (team === undefined || values.githubOwner === "" || sameName(organization, values.githubOwner))
      return [];
    const path = `${key}[${index}]`;
    const reason = `is ${JSON.stringify(reviewer)}: a team must be one of githubOwner, ${values.githubOwner}`;
    return [{ key: path, reason, command: setCommand(stack, path, `${values.githubOwner}/${team}`) }];
  });
  const { length } = distinct(reviewers);
  if (length <= mostReviewers) return foreign;
  const reason = `has ${length} elements: GitHub takes ${mostReviewers} at most; name a team instead of its members`;
  return [...foreign, { key, reason, command: removeCommand(stack, `${key}[${reviewers.length - 1}]`) }];
}

/** Production is for few branches: a pattern of wildcards alone admits any. */
function branchProblems(stack: string, values: Values): Problem[] {
  if (stack !== "prd") return [];
  return list(values, "deploymentBranches").flatMap((pattern, index) => {
    const key = `deploymentBranches[${index}]`;
    const reason = `is ${JSON.stringify(pattern)}: it would admit every branch to prd`;
    return /^[*?/]+$/.test(pattern) ? [{ key, reason, command: setCommand(stack, key, "main") }] : [];
  });
}

/**
 * "Organization-owned runner groups cannot access workflows from a different organization" (GitHub's documentation, "Managing
 * access to self-hosted runners using groups").
 */
function workflowProblems(stack: string, values: Values): Problem[] {
  return list(values, "runnerGroupWorkflows").flatMap((workflow, index) => {
    const [owner, ...rest] = workflow.split("/");
    if (values.githubOwner === "" || rest.length === 0 || sameName(owner, values.githubOwner)) return [];
    const key = `runnerGroupWorkflows[${index}]`;
    const reason = `is ${JSON.stringify(workflow)}: a runner group of ${values.githubOwner} admits only workflows of ${values.githubOwner}`;
    return [{ key, reason, command: setCommand(stack, key, [values.githubOwner, ...rest].join("/")) }];
  });
}

/** Only for values without problems. */
export function gitHubSettingsFrom(
  { environment, githubRepository, runnerGroup }: RunnerSettings,
  values: Values,
): ManagedGitHub {
  const managed = values.manageGitHubSettings === true;
  const ofOrganization = managed && githubRepository === undefined;
  return {
    managedRepositories: !managed
      ? []
      : githubRepository === undefined
        ? distinct(list(values, "runnerGroupRepositories"))
        : [githubRepository],
    deploymentReviewers: distinct(list(values, "deploymentReviewers")),
    deploymentBranches: [...new Set(list(values, "deploymentBranches"))],
    runnerGroupWorkflows: [...new Set(list(values, "runnerGroupWorkflows"))],
    runnerGroup: runnerGroup ?? (ofOrganization ? `digdag-${environment}` : undefined),
  };
}
