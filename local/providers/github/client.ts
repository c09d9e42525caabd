import { Octokit } from "@octokit/core";

/** How the stand-in reaches GitHub's API. */
export interface GitHubAccess {
  /** Base URL of the API, instead of the provider's `baseUrl`. */
  apiUrl: string;
  /** The plugin would read GITHUB_TOKEN, but the stand-in is no child of the engine. */
  token: string;
}

/** GitHub's API for one owner. */
export interface Client {
  owner: string;
  request: Octokit["request"];
}

export function connect({ apiUrl, token }: GitHubAccess, owner: string): Client {
  const octokit = new Octokit({ auth: token, baseUrl: apiUrl });
  octokit.hook.error("request", (error, { method, url }) => {
    const { status, message } = error as Error & { status?: number };
    // As the plugin's client words it.
    throw Object.assign(new Error(`${method} ${url}: ${status ?? "no answer"} ${message}`), { status });
  });
  return { owner, request: octokit.request };
}

/** The answer, or undefined when GitHub knows nothing of that name. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as { status?: number }).status === 404) return undefined;
    throw error;
  }
}

/** The repository's id, which the provider keeps to tell a rename from another repository. */
export async function repositoryId({ owner, request }: Client, repo: string): Promise<number> {
  return Number((await request("GET /repos/{owner}/{repo}", { owner, repo })).data.id);
}
