import type { components } from "@octokit/openapi-types";
import { messageOf } from "../shared/log";
import { explainFailedAnswer, type FailedAnswer, GitHubError, parseTokenExpiration } from "./githubErrors";
import type { OctokitClient } from "./octokit";

/** A self-hosted runner as GitHub lists it. */
export type Runner = components["schemas"]["runner"];

/** A runner that exists on GitHub from now on, and the only thing with which its listener can start. */
export interface MintedRunner {
  id: number;
  name: string;
  /** Secret: whoever holds it is the runner. */
  jitConfig: string;
}

/** What is learnt from the headers of every answer. */
export interface ApiObserver {
  /** `route` has placeholders instead of values; `status` is 0 when no answer came. */
  request(route: string, status: number): void;
  rateLimitRemaining(remaining: number): void;
  /** Milliseconds since 1970. */
  tokenExpires(at: number): void;
}

type Headers = FailedAnswer["headers"];

/** Group 1 is the default group, and the only one of a repository. */
const DEFAULT_RUNNER_GROUP = 1;

/** GitHub's REST API for the runners of one repository or organization. Every method throws GitHubError. */
export class GitHubRunners {
  private readonly base: string;
  private readonly scope: string;
  private readonly where: { owner: string; repo?: string };

  constructor(
    private readonly octokit: OctokitClient,
    owner: string,
    repository: string | undefined,
    private readonly observer: ApiObserver,
  ) {
    this.base = repository ? "/repos/{owner}/{repo}/actions/runners" : "/orgs/{owner}/actions/runners";
    this.scope = repository ? `repository ${owner}/${repository}` : `organization ${owner}`;
    this.where = repository ? { owner, repo: repository } : { owner };
  }

  /** Registers a runner for one job. Never retried here: every attempt needs a name of its own. */
  async mint(name: string, labels: string[]): Promise<MintedRunner> {
    const { data } = await this.call(`POST ${this.base}/generate-jitconfig`, {
      name,
      labels,
      runner_group_id: DEFAULT_RUNNER_GROUP,
      work_folder: "_work",
      request: { retries: 0 },
    });
    const { runner, encoded_jit_config } = data as { runner?: Runner; encoded_jit_config?: string };
    if (!runner?.id || !encoded_jit_config) {
      throw new GitHubError(
        "unavailable",
        `GitHub's answer to the registration of ${name} has no runner in it.`,
      );
    }
    return { id: runner.id, name, jitConfig: encoded_jit_config };
  }

  /** The runner, or undefined when GitHub does not know it (any more). */
  async get(id: number): Promise<Runner | undefined> {
    const answer = await this.absentOn404(() => this.call(`GET ${this.base}/{runner_id}`, { runner_id: id }));
    return answer?.data as Runner | undefined;
  }

  /** Deletes the runner unless a job runs on it. */
  async delete(id: number): Promise<"deleted" | "busy" | "absent"> {
    try {
      const answer = await this.absentOn404(() =>
        this.call(`DELETE ${this.base}/{runner_id}`, { runner_id: id }),
      );
      return answer === undefined ? "absent" : "deleted";
    } catch (error) {
      if (error instanceof GitHubError && error.status === 422) return "busy";
      throw error;
    }
  }

  /** The newest version of the runner that GitHub offers for this machine. */
  async newestVersion(): Promise<string | undefined> {
    const { data } = await this.call(`GET ${this.base}/downloads`, {});
    const architecture = process.arch === "arm64" ? "arm64" : "x64";
    const ours = (data as components["schemas"]["runner-application"][]).find(
      ({ os, architecture: one }) => os === "linux" && one === architecture,
    );
    return /-(\d+\.\d+\.\d+)\.tar\.gz$/.exec(ours?.filename ?? "")?.[1];
  }

  /** All runners, page by page; only those of this exact name when one is given. */
  async list(name?: string): Promise<Runner[]> {
    const route = `GET ${this.base}`;
    return this.guard(route, async () => {
      const runners: Runner[] = [];
      const pages = this.octokit.paginate.iterator(route, {
        ...this.where,
        per_page: 100,
        ...(name === undefined ? {} : { name }),
      });
      for await (const page of pages) {
        this.observe(route, page.status, page.headers);
        runners.push(...(page.data as Runner[]));
      }
      return name === undefined ? runners : runners.filter((runner) => runner.name === name);
    });
  }

  /** 404 also means "this token may not see it": believed only if the list of runners can be read at the same time. */
  private async absentOn404<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof GitHubError) || error.kind !== "not-found") throw error;
      await this.call(`GET ${this.base}`, { per_page: 1 });
      return undefined;
    }
  }

  private async call(route: string, parameters: Record<string, unknown>) {
    return this.guard(route, async () => {
      const answer = await this.octokit.request(route, { ...this.where, ...parameters });
      this.observe(route, answer.status, answer.headers);
      return answer;
    });
  }

  private async guard<T>(route: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof GitHubError) throw error;
      const failed = error as { status?: number; response?: { headers?: Headers; data?: unknown } };
      if (failed.status === undefined || failed.response === undefined) {
        this.observer.request(route, 0);
        throw new GitHubError("unreachable", `No answer from GitHub to ${route}: ${messageOf(error)}`);
      }
      const headers = failed.response.headers ?? {};
      this.observe(route, failed.status, headers);
      const body = failed.response.data as { message?: unknown } | undefined;
      const message = typeof body?.message === "string" ? body.message : undefined;
      throw explainFailedAnswer(
        { status: failed.status, headers, ...(message === undefined ? {} : { message }) },
        route,
        this.scope,
      );
    }
  }

  private observe(route: string, status: number, headers: Headers): void {
    this.observer.request(route, status);
    const remaining = headers["x-ratelimit-remaining"];
    if (remaining !== undefined) this.observer.rateLimitRemaining(Number(remaining));
    const expires = parseTokenExpiration(headers["github-authentication-token-expiration"]);
    if (expires !== undefined) this.observer.tokenExpires(expires);
  }
}
