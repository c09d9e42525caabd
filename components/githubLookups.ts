import * as github from "@pulumi/github";
import type * as pulumi from "@pulumi/pulumi";
import { lookUp } from "./lookups";
import { refusal } from "./refusal";

/** Whose settings are managed, by their names. */
export interface GitHubNames {
  githubOwner: string;
  /** Not set: the repositories share a runner group of the organization. */
  githubRepository: string | undefined;
  managedRepositories: string[];
  /** Logins, and teams as `ORGANIZATION/TEAM`. */
  deploymentReviewers: string[];
}

/** The same by the ids that GitHub's API wants. */
export interface GitHubIds {
  repositoryIds: number[];
  reviewerUserIds: number[];
  reviewerTeamIds: number[];
}

/**
 * Looks names up. Reading the repositories also proves the token, in every preview: the provider itself starts with one that is expired
 * or may not do what is needed.
 * @throws pulumi.RunError for a repository, user or team that cannot be read
 */
export async function findGitHubIds(names: GitHubNames, provider: github.Provider): Promise<GitHubIds> {
  const opts = { provider };
  const repositoryIds = await Promise.all(
    names.managedRepositories.map((name) => findRepository(names, name, opts)),
  );
  const reviewers = names.deploymentReviewers.map(async (reviewer) => {
    const slug = reviewer.split("/")[1];
    const id = slug === undefined ? findUser(reviewer, opts) : findTeam(reviewer, slug, opts);
    return { isTeam: slug !== undefined, id: await id };
  });
  const found = await Promise.all(reviewers);
  const ids = (teams: boolean) => found.filter(({ isTeam }) => isTeam === teams).map(({ id }) => id);
  return { repositoryIds, reviewerUserIds: ids(false), reviewerTeamIds: ids(true) };
}

async function findRepository(
  { githubOwner, githubRepository }: GitHubNames,
  name: string,
  opts: pulumi.InvokeOptions,
): Promise<number> {
  const fullName = `${githubOwner}/${name}`;
  const remedy =
    "Check GITHUB_TOKEN: it may be expired or revoked, or belong to another GitHub than that of githubApiUrl.";
  const asked = github.getRepository({ fullName }, opts);
  const { repoId, visibility } = await lookUp(`repository ${fullName}`, remedy, asked);
  // The provider's answer for a repository that GitHub does not show is empty.
  if (!repoId) {
    throw refusal(
      `GitHub shows no repository ${fullName}. Check githubOwner and the repository's name, and that GITHUB_TOKEN may read it.`,
    );
  }
  if (githubRepository === undefined && visibility === "public") {
    throw refusal(
      `Repository ${fullName} is public, where anybody's pull request brings code, and the runner group admits no public repository. ` +
        "Remove it from runnerGroupRepositories, or make it private.",
    );
  }
  return repoId;
}

async function findUser(username: string, opts: pulumi.InvokeOptions): Promise<number> {
  const remedy = "Check deploymentReviewers; a team is written ORGANIZATION/TEAM.";
  return Number((await lookUp(`user ${username}`, remedy, github.getUser({ username }, opts))).id);
}

async function findTeam(team: string, slug: string, opts: pulumi.InvokeOptions): Promise<number> {
  const remedy = "Check deploymentReviewers, and that GITHUB_TOKEN may read the organization's members.";
  return Number((await lookUp(`team ${team}`, remedy, github.getTeam({ slug, summaryOnly: true }, opts))).id);
}
