import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import type { Environment } from "./labels";

export interface GitHubSettingsArgs {
  environment: Environment;
  /** Repository of the provider's owner. */
  githubRepository: string;
  digdagEndpoint: string;
  runnerLabels: string[];
}

/** The repository's environment of this stack and the Actions variables a workflow needs to use these runners. */
export class GitHubSettings extends pulumi.ComponentResource {
  constructor(name: string, args: GitHubSettingsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("digdag-runner:index:GitHubSettings", name, {}, opts);
    const parent = { parent: this };
    const { environment, githubRepository: repository } = args;
    const settings = new github.RepositoryEnvironment(
      `${name}-environment`,
      {
        repository,
        environment,
        deploymentBranchPolicy:
          environment === "prd" ? { protectedBranches: true, customBranchPolicies: false } : undefined,
      },
      parent,
    );
    new github.ActionsEnvironmentVariable(
      `${name}-endpoint`,
      {
        repository,
        environment: settings.environment,
        variableName: "DIGDAG_ENDPOINT",
        value: args.digdagEndpoint,
      },
      parent,
    );
    // Of the repository: `runs-on` is evaluated before a job enters its environment. For `fromJSON`.
    new github.ActionsVariable(
      `${name}-labels`,
      {
        repository,
        variableName: `DIGDAG_RUNNER_LABELS_${environment.toUpperCase()}`,
        value: JSON.stringify(args.runnerLabels),
      },
      parent,
    );
    this.registerOutputs();
  }
}
