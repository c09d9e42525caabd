import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import { environmentProblems, isOutput, valueProblems } from "./inputChecks";
import type { Environment } from "./labels";
import { type InputProblem, WrongInputs } from "./wrongInputs";

export interface GitHubRunnerGroupArgs {
  /** Which environment's runners are in the group. */
  environment: Environment;
  /** Name of the group: `runnerGroup` of the DigdagRunner. Default: `digdag-ENVIRONMENT`. */
  runnerGroup?: string;
  /** Ids of the repositories that may use the group. None of them may be public. */
  repositoryIds: pulumi.Input<pulumi.Input<number>[]>;
  /** Workflow files that may use the group, as `OWNER/REPOSITORY/.github/workflows/FILE@REF`, with one branch, tag or commit as `REF`. */
  runnerGroupWorkflows: string[];
}

const component = "GitHubRunnerGroup";

/**
 * The runner group of one environment's runners in an organization, which admits private repositories and workflow files by name and
 * nothing else. Runners that name a missing group are not registered, so let the DigdagRunner depend on it. Pass the organization's
 * provider in `opts.providers`.
 */
export class GitHubRunnerGroup extends pulumi.ComponentResource {
  /** Name of the group, known once it is there. */
  public readonly runnerGroup: pulumi.Output<string>;

  constructor(name: string, args: GitHubRunnerGroupArgs, opts?: pulumi.ComponentResourceOptions) {
    const problems = [...environmentProblems(args.environment), ...nameProblems(args), ...listProblems(args)];
    if (problems.length > 0) throw new WrongInputs(component, problems); // before anything is registered
    super("digdag-runner:index:GitHubRunnerGroup", name, {}, opts);
    const group = new github.ActionsRunnerGroup(
      `${name}-group`,
      {
        name: args.runnerGroup ?? `digdag-${args.environment}`,
        visibility: "selected",
        selectedRepositoryIds: args.repositoryIds,
        allowsPublicRepositories: false,
        restrictedToWorkflows: true,
        selectedWorkflows: args.runnerGroupWorkflows,
      },
      { parent: this },
    );
    this.runnerGroup = group.name;
    this.registerOutputs({ runnerGroup: this.runnerGroup });
  }
}

function nameProblems({ runnerGroup }: GitHubRunnerGroupArgs): InputProblem[] {
  return runnerGroup === undefined || isOutput(runnerGroup) ? [] : valueProblems("runnerGroup", runnerGroup);
}

function listProblems({ repositoryIds, runnerGroupWorkflows }: GitHubRunnerGroupArgs): InputProblem[] {
  const isEmpty = (value: unknown) => !isOutput(value) && (!Array.isArray(value) || value.length === 0);
  return [
    ...(isEmpty(repositoryIds)
      ? [{ propertyPath: "repositoryIds", reason: "is empty: name the repositories that may use the group" }]
      : []),
    ...(isOutput(runnerGroupWorkflows)
      ? []
      : valueProblems("runnerGroupWorkflows", runnerGroupWorkflows ?? "")),
  ];
}
