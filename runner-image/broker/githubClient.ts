import type { Octokit } from "@octokit/core";
import type { Log } from "../shared/log";
import type { Credential } from "./credential";
import {
  type Answer,
  explainAnswer,
  type Headers,
  parseTokenExpiration,
  type Question,
  unexpectedAnswer,
} from "./githubAnswers";
import { GitHubError } from "./githubErrors";
import { createFetch, explainSilence, proxyOf } from "./githubFetch";
import { RateLimitGate } from "./rateLimitGate";

/** What is learnt from every answer. */
export interface ApiObserver {
  /** `route` has placeholders instead of values; `status` is 0 when no answer came. */
  request(route: string, status: number): void;
  rateLimitRemaining(remaining: number): void;
  /** Of a personal access token, in milliseconds since 1970; an App's tokens are renewed by themselves. */
  tokenExpires(at: number): void;
}

/** An answer with the status that was hoped for. */
export interface GoodAnswer extends Answer {
  /** Where it came from, after redirects. */
  url: string;
}

/** Calls GitHub and turns whatever goes wrong into a GitHubError. */
export class GitHubClient {
  constructor(
    private readonly octokit: Octokit,
    private readonly about: Omit<Question, "route"> & { proxy: string | undefined },
    private readonly gate: RateLimitGate,
  ) {}

  /**
   * @param parameters of the route, of its query or of its body, as Octokit takes them
   * @param status of the only answer that counts
   * @param explain what a failed answer means where this call knows better; undefined for the usual meaning
   */
  async ask(
    route: string,
    parameters: Record<string, unknown>,
    status: number,
    explain: (answer: Answer) => GitHubError | undefined = () => undefined,
  ): Promise<GoodAnswer> {
    this.gate.check(route);
    const question = { ...this.about, route };
    const answer = await this.octokit
      .request(route, parameters)
      .then(({ data, ...rest }) => ({ ...rest, body: data as unknown }))
      .catch((error: unknown) => failedAnswer(error, question, this.about.proxy));
    if (answer.status === status) return answer;
    const error = explain(answer) ?? explainAnswer(answer, question);
    this.gate.note(route, answer, error);
    throw error;
  }

  /** An error for an answer of another shape. `expected` says what should have come. */
  unexpected(route: string, answer: Answer, expected: string): GitHubError {
    return unexpectedAnswer(answer, { ...this.about, route }, expected);
  }
}

/** The answer that Octokit threw as an error. Throws where there was none. */
function failedAnswer(error: unknown, question: Question, proxy: string | undefined): GoodAnswer {
  if (error instanceof GitHubError) throw error;
  const { response } = error as {
    response?: { status: number; url: string; headers?: Headers; data?: unknown };
  };
  if (response === undefined) throw explainSilence(error, question, proxy);
  const { status, url, headers = {}, data: body } = response;
  return { status, url, headers, body };
}

/** Makes clients for one GitHub and one scope. */
export interface ClientFactory {
  withCredential(credential: Credential): GitHubClient;
  /** Signs in as the App itself; a clock that is wrong by any time is corrected by GitHub's. */
  asApp(appId: string, privateKey: string): GitHubClient;
}

/**
 * Clients that retry what may be retried and keep GitHub's limits. Requests that create something must be sent with
 * `request: { retries: 0 }`: whether a lost answer had its effect is not known.
 * @param scope as of describeScope
 */
export async function createClientFactory(
  apiUrl: string,
  scope: string,
  observer: ApiObserver,
  log: Log,
): Promise<ClientFactory> {
  // These packages are ES modules only; a dynamic import is what CommonJS may do with them, and esbuild bundles it.
  const [{ Octokit: Core }, { retry }, { createAppAuth }] = await Promise.all([
    import("@octokit/core"),
    import("@octokit/plugin-retry"),
    import("@octokit/auth-app"),
  ]);
  const options = {
    baseUrl: apiUrl,
    userAgent: "digdag-runner-broker",
    log: {
      debug: () => {},
      info: () => {},
      warn: (message: string) => log.debug(message),
      error: (message: string) => log.debug(message),
    },
    request: { fetch: createFetch(apiUrl) },
    // The plugin's own list, and the answers that say when to come back, or that coming back changes nothing.
    retry: { retries: 2, doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451] },
  };
  const proxy = proxyOf(apiUrl, process.env);
  const gate = new RateLimitGate();

  const open = (note: (exchange: Exchange) => void, strategy: object = {}): Octokit => {
    // The first plugin is the innermost: it sees every attempt.
    const Client = Core.plugin((octokit) => observe(octokit, note), retry);
    return new Client({ ...options, ...strategy });
  };
  const noted = (exchange: Exchange) => {
    const { route, status, headers, milliseconds } = exchange;
    observer.request(route, status);
    const requestId = headers["x-github-request-id"];
    log.debug({ route, status, requestId, milliseconds }, "GitHub was asked");
  };
  return {
    withCredential(credential) {
      const octokit = open((exchange) => {
        noted(exchange);
        noteLimits(observer, exchange.headers, credential.kind);
      });
      authenticate(octokit, credential);
      return new GitHubClient(octokit, { scope, credential: credential.kind, proxy }, gate);
    },
    asApp(appId, privateKey) {
      const warn = (message: string) => log.warn(message);
      const strategy = { authStrategy: createAppAuth, auth: { appId, privateKey, log: { warn } } };
      return new GitHubClient(open(noted, strategy), { scope, credential: "app", proxy }, gate);
    },
  };
}

/** One request and its answer. */
interface Exchange {
  route: string;
  /** 0 when no answer came. */
  status: number;
  headers: Headers;
  milliseconds: number;
}

function observe(octokit: Octokit, note: (exchange: Exchange) => void): void {
  octokit.hook.wrap("request", async (request, options) => {
    const start = performance.now();
    const exchange = (status: number, headers: Headers = {}) =>
      note({
        route: `${options.method} ${options.url}`,
        status,
        headers,
        milliseconds: Math.round(performance.now() - start),
      });
    options.headers["x-github-api-version"] = "2022-11-28";
    try {
      const answer = await request(options);
      exchange(answer.status, answer.headers);
      return answer;
    } catch (error) {
      const { response } = error as { response?: { status: number; headers?: Headers } };
      exchange(response?.status ?? 0, response?.headers);
      throw error;
    }
  });
}

function noteLimits(observer: ApiObserver, headers: Headers, kind: Credential["kind"]): void {
  const remaining = headers["x-ratelimit-remaining"];
  // Registrations have a limit of their own, which is twice as high.
  const core = (headers["x-ratelimit-resource"] ?? "core") === "core";
  if (remaining !== undefined && core) observer.rateLimitRemaining(Number(remaining));
  const expires = parseTokenExpiration(headers["github-authentication-token-expiration"]);
  if (expires !== undefined && kind === "token") observer.tokenExpires(expires);
}

/** Signs every call, and asks once more with another authorization where GitHub refuses the first one. */
function authenticate(octokit: Octokit, credential: Credential): void {
  octokit.hook.wrap("request", async (request, options) => {
    const ask = (authorization: string) => {
      // Every hook gets the same object, whatever is handed to the next one (before-after-hook).
      options.headers.authorization = authorization;
      return request(options);
    };
    const authorization = await credential.authorization();
    try {
      return await ask(authorization);
    } catch (error) {
      if ((error as { status?: number }).status !== 401 || !(await credential.refused(authorization))) {
        throw error;
      }
      return ask(await credential.authorization());
    }
  });
}
