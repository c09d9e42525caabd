import { readFile } from "node:fs/promises";
import { type Log, messageOf } from "../shared/log";
import { GitHubError } from "./githubErrors";

const REQUEST_TIMEOUT_MS = 20_000;
const LONGEST_WAIT_FOR_A_LIMIT_SECONDS = 60;

export interface OctokitOptions {
  apiUrl: string;
  /** Read before every request, so that a rotated Secret is used without a restart. */
  credentialFile: string;
  log: Log;
}

export type OctokitClient = Awaited<ReturnType<typeof createOctokit>>;

/**
 * An Octokit that retries what may be retried and slows down at GitHub's limits. Requests that create something must be sent
 * with `request: { retries: 0 }`: whether a lost answer had its effect is not known.
 */
export async function createOctokit({ apiUrl, credentialFile, log }: OctokitOptions) {
  // These packages are ES modules only; a dynamic import is what CommonJS may do with them, and esbuild bundles it.
  const [{ Octokit }, { retry }, { throttling }, { paginateRest }] = await Promise.all([
    import("@octokit/core"),
    import("@octokit/plugin-retry"),
    import("@octokit/plugin-throttling"),
    import("@octokit/plugin-paginate-rest"),
  ]);
  const mayWait = (retryAfter: number, options: { method?: string }, retryCount: number): boolean => {
    const wait =
      options.method !== "POST" && retryCount === 0 && retryAfter <= LONGEST_WAIT_FOR_A_LIMIT_SECONDS;
    log.warn({ retryAfter, method: options.method, wait }, "GitHub's rate limit was reached");
    return wait;
  };
  const octokit = new (Octokit.plugin(retry, throttling, paginateRest))({
    baseUrl: apiUrl,
    userAgent: "digdag-runner-broker",
    log: { debug: () => {}, info: () => {}, warn: (m) => log.debug(m), error: (m) => log.debug(m) },
    request: { fetch: fetchWithTimeout },
    retry: { retries: 2 },
    throttle: {
      onRateLimit: (retryAfter, options, _octokit, retryCount) =>
        mayWait(retryAfter, options as { method?: string }, retryCount),
      onSecondaryRateLimit: (retryAfter, options, _octokit, retryCount) =>
        mayWait(retryAfter, options as { method?: string }, retryCount),
    },
  });
  octokit.hook.before("request", async (options) => {
    options.headers.authorization = `Bearer ${await readCredential(credentialFile)}`;
    options.headers["x-github-api-version"] = "2022-11-28";
  });
  return octokit;
}

/** The token in the mounted Secret. Throws a GitHubError of kind `credential` that names the file, never its content. */
export async function readCredential(file: string): Promise<string> {
  const advice = "The Secret mounted into the broker must hold the GitHub token under the key `token`.";
  const token = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new GitHubError("credential", `${file} cannot be read (${error.code}). ${advice}`);
  });
  const trimmed = token.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed)) {
    const what = trimmed === "" ? "is empty" : "holds more than one word or characters no token has";
    throw new GitHubError("credential", `${file} ${what}. ${advice}`);
  }
  return trimmed;
}

async function fetchWithTimeout(url: string | URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  } catch (error) {
    // fetch says only "fetch failed"; its cause says which host and why.
    const cause = error instanceof Error ? error.cause : undefined;
    throw cause === undefined ? error : new Error(messageOf(cause));
  }
}
