import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import { environmentProblems, isOutput, valueProblems, whenKnown } from "./inputChecks";
import type { Environment } from "./labels";
import { type InputProblem, WrongInputs } from "./wrongInputs";

export interface GitHubSettingsArgs {
  /** The environment that is made in the repository; its name is in the name of the variable with the labels as well. */
  environment: Environment;
  /** Repository of the provider's owner. */
  githubRepository: pulumi.Input<string>;
  /** HTTPS URL of Digdag as jobs reach it, for the variable DIGDAG_ENDPOINT of the environment. */
  digdagEndpoint: pulumi.Input<string>;
  /** Every label that a job must ask for, for the variable DIGDAG_RUNNER_LABELS_ENVIRONMENT: `runnerLabels` of the DigdagRunner. */
  runnerLabels: pulumi.Input<string[]>;
  /** Ids of the users one of whom must approve a job that enters the environment; with the teams at most 6. Default: none. */
  reviewerUserIds?: pulumi.Input<pulumi.Input<number>[]>;
  /** Ids of the teams one of whose members must approve a job that enters the environment. Default: none. */
  reviewerTeamIds?: pulumi.Input<pulumi.Input<number>[]>;
  /** Name patterns of the branches whose jobs may enter the environment. Default: protected branches in `prd`, else every branch. */
  deploymentBranches?: string[];
}

const component = "GitHubSettings";
const textKeys = ["githubRepository", "digdagEndpoint", "runnerLabels"] as const;

/**
 * The environment of one environment's runners in a repository, and the Actions variables that a workflow needs to use them. Reviewers
 * cannot approve a run of their own, and administrators cannot pass them over. Pass the provider of the repository's owner in
 * `opts.providers`.
 */
export class GitHubSettings extends pulumi.ComponentResource {
  constructor(name: string, args: GitHubSettingsArgs, opts?: pulumi.ComponentResourceOptions) {
    const problems = [
      ...environmentProblems(args.environment),
      ...textKeys.flatMap((key) => (isOutput(args[key]) ? [] : valueProblems(key, args[key]))),
      ...branchProblems(args.deploymentBranches),
    ];
    if (problems.length > 0) throw new WrongInputs(component, problems); // before anything is registered
    super("digdag-runner:index:GitHubSettings", name, {}, opts);
    const parent = { parent: this };
    const { environment, deploymentBranches } = args;
    if (environment === "prd" && hasNoReviewers(args)) {
      const message =
        "Nobody has to approve what is deployed to prd. Name deploymentReviewers, where GitHub's plan has them.";
      pulumi.log.warn(message, this);
    }
    const repository = whenKnown(component, "githubRepository", args.githubRepository);
    const settings = new github.RepositoryEnvironment(
      `${name}-environment`,
      {
        repository,
        environment,
        ...reviewerSettings(args),
        deploymentBranchPolicy: branchPolicy(args),
      },
      // It may be what guards the deployment of this very stack, and holds what others put there: variables, secrets, a history.
      // GitHub makes a missing environment anew, without any rule, for the next job that names it.
      { ...parent, retainOnDelete: true },
    );
    for (const branchPattern of new Set(deploymentBranches)) {
      new github.RepositoryEnvironmentDeploymentPolicy(
        `${name}-branch-${branchPattern}`,
        { repository, environment: settings.environment, branchPattern },
        parent,
      );
    }
    new github.ActionsEnvironmentVariable(
      `${name}-endpoint`,
      {
        repository,
        environment: settings.environment,
        variableName: "DIGDAG_ENDPOINT",
        value: whenKnown(component, "digdagEndpoint", args.digdagEndpoint),
      },
      parent,
    );
    // Of the repository: `runs-on` is evaluated before a job enters its environment. For `fromJSON`.
    new github.ActionsVariable(
      `${name}-labels`,
      {
        repository,
        variableName: `DIGDAG_RUNNER_LABELS_${environment.toUpperCase()}`,
        value: whenKnown(component, "runnerLabels", args.runnerLabels).apply((labels) =>
          JSON.stringify(labels),
        ),
      },
      parent,
    );
    this.registerOutputs();
  }
}

/** Each pattern is a resource, so they shape the plan and must be plain. */
function branchProblems(branches: unknown = []): InputProblem[] {
  const key = "deploymentBranches";
  if (isOutput(branches) || !Array.isArray(branches)) {
    const reason = "must be a plain list of strings: it shapes what is created";
    return [{ propertyPath: key, reason }];
  }
  return branches.length === 0 ? [] : valueProblems(key, branches);
}

/** GitHub's default is to admit every branch. */
function branchPolicy({ environment, deploymentBranches = [] }: GitHubSettingsArgs) {
  if (deploymentBranches.length > 0) return { protectedBranches: false, customBranchPolicies: true };
  return environment === "prd" ? { protectedBranches: true, customBranchPolicies: false } : undefined;
}

/** For certain: outputs are not known yet. */
function hasNoReviewers({ reviewerUserIds = [], reviewerTeamIds = [] }: GitHubSettingsArgs): boolean {
  return [reviewerUserIds, reviewerTeamIds].every((ids) => Array.isArray(ids) && ids.length === 0);
}

/**
 * Where there are no reviewers, nothing about them is asked of GitHub: in a private repository it needs GitHub Enterprise
 * ("Deployments and environments" of its documentation).
 */
function reviewerSettings({ reviewerUserIds, reviewerTeamIds }: GitHubSettingsArgs) {
  const reviewers = pulumi
    .all([reviewerUserIds ?? [], reviewerTeamIds ?? []])
    .apply(([users, teams]) => (users.length + teams.length > 0 ? [{ users, teams }] : undefined));
  const some = reviewers.apply((given) => given !== undefined);
  return { reviewers, preventSelfReview: some, canAdminsBypass: some.apply((reviewed) => !reviewed) };
}
