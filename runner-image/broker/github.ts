import type { Log } from "../shared/log";
import type { GitHubClient, GoodAnswer } from "./githubClient";
import { GitHubError } from "./githubErrors";
import { buildsIn, groupsIn, type Runner, registrationIn, runnerIn, runnersIn } from "./githubShapes";
import { describeScope, type RunnerScope } from "./runnerScope";

export type { Runner } from "./githubShapes";

/** A runner that exists on GitHub from now on, and the only thing with which its listener can start. */
export interface MintedRunner {
  id: number;
  name: string;
  /** Secret: whoever holds it is the runner. */
  jitConfig: string;
}

/** Group 1 is the default group, and the only one of a repository. */
const DEFAULT_RUNNER_GROUP = 1;
const PER_PAGE = 100;
/** Far beyond the 10,000 runners that GitHub allows in a group. */
const MOST_PAGES = 500;

/** What GitHubRunners works with. */
export interface RunnersParts {
  client: GitHubClient;
  scope: RunnerScope;
  /** Name of the runner group, for an organization. Absent: the default group. */
  runnerGroup: string | undefined;
  log: Log;
}

/** GitHub's REST API for the runners of one repository or organization. Every method throws GitHubError. */
export class GitHubRunners {
  private readonly base: string;
  private readonly where: Record<string, string>;
  /** Looked up once, and again after GitHub refused it. */
  private groupId: number | undefined;
  private toldOfMove = false;

  constructor(private readonly parts: RunnersParts) {
    const { owner, repository } = parts.scope;
    this.base = repository ? "/repos/{owner}/{repo}/actions" : "/orgs/{org}/actions";
    this.where = repository ? { owner, repo: repository } : { org: owner };
  }

  /** Registers a runner for one job. Never retried here: every attempt needs a name of its own. */
  async mint(name: string, labels: string[]): Promise<MintedRunner> {
    this.groupId ??= await this.findGroup();
    const body = {
      name,
      labels,
      runner_group_id: this.groupId,
      work_folder: "_work",
      request: { retries: 0 },
    };
    const minted = await this.call(
      `POST ${this.base}/runners/generate-jitconfig`,
      body,
      201,
      registrationIn,
      "a runner and its configuration",
    ).catch((error: unknown) => {
      // 404 and 422 are also the answers to a group that was deleted, and perhaps made anew with another id.
      if (error instanceof GitHubError && [404, 422].includes(error.status ?? 0)) this.groupId = undefined;
      throw error;
    });
    return { ...minted, name };
  }

  /** The runner, or undefined when GitHub does not know it (any more). */
  async get(id: number): Promise<Runner | undefined> {
    const route = `GET ${this.base}/runners/{runner_id}`;
    return this.absentOn404(() => this.call(route, { runner_id: id }, 200, runnerIn, "a runner"));
  }

  /** Deletes the runner unless a job runs on it. */
  async delete(id: number): Promise<"deleted" | "busy" | "absent"> {
    const route = `DELETE ${this.base}/runners/{runner_id}`;
    try {
      const deleted = await this.absentOn404(() =>
        this.call(route, { runner_id: id }, 204, () => true, "no content"),
      );
      return deleted ? "deleted" : "absent";
    } catch (error) {
      if (error instanceof GitHubError && error.status === 422) return "busy";
      throw error;
    }
  }

  /** All runners, page by page; only those of this exact name when one is given. */
  async list(name?: string): Promise<Runner[]> {
    const filter = name === undefined ? {} : { name };
    const runners = await this.pages(`GET ${this.base}/runners`, filter, runnersIn, "a list of runners");
    return name === undefined ? runners : runners.filter((runner) => runner.name === name);
  }

  /** The newest version of the runner for this platform, "2.337.0"; undefined when GitHub names no build for it. */
  async newestVersion(): Promise<string | undefined> {
    const route = `GET ${this.base}/runners/downloads`;
    const builds = await this.call(route, {}, 200, buildsIn, "a list of runner builds");
    const build = builds.find(({ os, architecture }) => os === "linux" && architecture === process.arch);
    return /-(\d+\.\d+\.\d+)\./.exec(build?.filename ?? "")?.[1];
  }

  private async findGroup(): Promise<number> {
    const { runnerGroup, scope } = this.parts;
    if (runnerGroup === undefined) return DEFAULT_RUNNER_GROUP;
    const groups = await this.pages(
      `GET ${this.base}/runner-groups`,
      {},
      groupsIn,
      "a list of runner groups",
    );
    const group = groups.find(({ name }) => name === runnerGroup);
    if (group) return group.id;
    const names = groups.map(({ name }) => JSON.stringify(name)).join(", ");
    throw new GitHubError(
      "invalid",
      `The ${describeScope(scope)} has no runner group ${JSON.stringify(runnerGroup)}. It has: ${names || "none"}. Correct runnerGroup, or create the group.`,
    );
  }

  /** 404 also means "this credential may not see it": believed only if the list of runners can be read at the same time. */
  private async absentOn404<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof GitHubError) || error.kind !== "not-found") throw error;
      await this.call(`GET ${this.base}/runners`, { per_page: 1 }, 200, runnersIn, "a list of runners");
      return undefined;
    }
  }

  /** Counts pages instead of following links: a link may point anywhere, and must not take the credential there. */
  private async pages<T>(
    route: string,
    parameters: Record<string, unknown>,
    read: (body: unknown) => T[] | undefined,
    expected: string,
  ): Promise<T[]> {
    const all: T[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const found = await this.call(route, { ...parameters, per_page: PER_PAGE, page }, 200, read, expected);
      all.push(...found);
      if (found.length < PER_PAGE) return all;
    }
    throw new GitHubError("unexpected", `The answers to ${route} do not end after ${MOST_PAGES} pages.`);
  }

  /** One call whose answer is read by `read`; `expected` says in messages what that is. */
  private async call<T>(
    route: string,
    parameters: Record<string, unknown>,
    status: number,
    read: (body: unknown) => T | undefined,
    expected: string,
  ): Promise<T> {
    const { client } = this.parts;
    const answer = await client.ask(route, { ...this.where, ...parameters }, status);
    const content = read(answer.body);
    if (content === undefined) throw client.unexpected(route, answer, expected);
    await this.tellOfMove(answer);
    return content;
  }

  /** GitHub redirects a repository's old name to `/repositories/ID`, until somebody takes that name. */
  private async tellOfMove({ url }: GoodAnswer): Promise<void> {
    const id = /\/repositories\/(\d+)\/actions\//.exec(url)?.[1];
    if (id === undefined || this.toldOfMove) return;
    this.toldOfMove = true;
    const { client, scope, log } = this.parts;
    const name = await client
      .ask("GET /repositories/{repository_id}", { repository_id: Number(id) }, 200)
      .then(({ body }) => (body as { full_name?: string } | undefined)?.full_name)
      .catch((error: GitHubError) => log.debug(error.message));
    log.warn(
      { repository: name, repositoryId: Number(id) },
      `The ${describeScope(scope)} was renamed or transferred${name ? ` and is now ${name}` : ""}: set githubOwner and ` +
        "githubRepository to its new name, because GitHub stops redirecting when another repository takes the old one.",
    );
  }
}
