import { notKnown, type ProviderStandIn } from "../standIn";
import { connect, type GitHubAccess } from "./client";
import { branchPolicyKind, environmentKind } from "./environment";
import { functions } from "./functions";
import { runnerGroupKind } from "./runnerGroup";
import { environmentVariableKind, repositoryVariableKind } from "./variables";

/**
 * Stand-in for the `github` provider plugin: Octokit calls to the GitHub stand-in.
 *
 * @param access what the plugin would find in its environment, and where GitHub really is; absent where nothing uses it
 */
export function githubStandIn(access?: GitHubAccess): ProviderStandIn {
  return {
    name: "github",
    version: "6.15.0",
    async configure(settings) {
      if (!access) throw new Error("the github stand-in was started without a GitHub to talk to");
      const client = connect(access, String(settings.owner ?? ""));
      const kinds = {
        "github:index/repositoryEnvironment:RepositoryEnvironment": environmentKind(client),
        "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy":
          branchPolicyKind(client),
        "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable": environmentVariableKind(client),
        "github:index/actionsVariable:ActionsVariable": repositoryVariableKind(client),
        "github:index/actionsRunnerGroup:ActionsRunnerGroup": runnerGroupKind(client),
      };
      const invokable = functions(client);
      return {
        resource(type) {
          const kind = kinds[type as keyof typeof kinds];
          if (!kind) throw notKnown("github", `the resource type ${type}`);
          return kind;
        },
        async invoke(token, args) {
          const call = invokable[token];
          if (!call) throw notKnown("github", `the function ${token}`);
          return call(args);
        },
      };
    },
  };
}
