import type { Log } from "../shared/log";

/** What a failed call means for the broker. `unreachable`: no answer came; the call may have had its effect all the same. */
export type GitHubErrorKind =
  | "credential"
  | "unauthorized"
  | "forbidden"
  | "rate-limited"
  | "not-found"
  | "conflict"
  | "invalid"
  | "unavailable"
  | "unreachable";

/** A call to GitHub that failed, with a message a person can act on. Never holds the credential or the request. */
export class GitHubError extends Error {
  constructor(
    readonly kind: GitHubErrorKind,
    message: string,
    /** HTTP status, absent when no answer came. */
    readonly status?: number,
    /** Seconds that GitHub asked to wait. */
    readonly retryAfterSeconds?: number,
    readonly requestId?: string,
  ) {
    super(message);
    this.name = "GitHubError";
  }

  /** Whether GitHub may have done what was asked all the same. */
  get mayHaveHadEffect(): boolean {
    return this.kind === "unreachable" || this.kind === "unavailable";
  }
}

/** Logs a failed call to GitHub and returns the seconds GitHub asked to wait. Throws what is not a failed call: it is a defect. */
export function tellFailure(log: Log, error: unknown, what: string): number {
  if (!(error instanceof GitHubError)) throw error;
  const { kind, status, requestId, retryAfterSeconds, message } = error;
  log.error({ kind, status, requestId }, `${what}: ${message}`);
  return retryAfterSeconds ?? 0;
}

/** The parts of an answer that tell what went wrong. Header names in lower case. */
export interface FailedAnswer {
  status: number;
  headers: Record<string, string | number | undefined>;
  /** The `message` of GitHub's JSON body, if it was one. */
  message?: string;
}

/**
 * Turns a failed answer into a GitHubError.
 * @param call what was tried, for the message: "POST /repos/o/r/actions/runners/generate-jitconfig"
 * @param scope "repository o/r" or "organization o"
 * @param now milliseconds since 1970
 */
export function explainFailedAnswer(
  answer: FailedAnswer,
  call: string,
  scope: string,
  now = Date.now(),
): GitHubError {
  const { status, headers } = answer;
  const requestId = headers["x-github-request-id"]?.toString();
  const said = answer.message ? ` GitHub says: ${JSON.stringify(answer.message.slice(0, 300))}.` : "";
  const start = `GitHub answered ${status} to ${call}.${said}`;
  const fail = (kind: GitHubErrorKind, advice: string, retryAfter?: number) =>
    new GitHubError(kind, `${start} ${advice}`, status, retryAfter, requestId);

  const wait = secondsToWait(headers, now);
  if (
    status === 429 ||
    (status === 403 && (wait !== undefined || /rate limit/i.test(answer.message ?? "")))
  ) {
    return fail("rate-limited", `The rate limit is used up; waiting ${Math.ceil(wait ?? 60)} s.`, wait ?? 60);
  }
  switch (status) {
    case 401:
      return fail(
        "unauthorized",
        "The token is wrong, expired or revoked: put a new one into the SSM parameter and run `pulumi up`.",
      );
    case 403: {
      const needed = headers["x-accepted-github-permissions"];
      return fail(
        "forbidden",
        `The token lacks a permission for the ${scope}${needed ? `: it needs ${needed}` : ""}. ` +
          'A fine-grained token needs "Administration: write" on the repository or "Self-hosted runners: write" on the organization.',
      );
    }
    case 404:
      return fail(
        "not-found",
        `The ${scope} does not exist, or the token may not see it (GitHub answers 404 to both). ` +
          "Check githubOwner and githubRepository, and that the token was granted access to it.",
      );
    case 409:
      return fail("conflict", "A runner of this name exists already; the next attempt takes another name.");
    case 422:
      return fail("invalid", "GitHub does not accept the request: check the runner's labels.");
    default:
      return status >= 500
        ? fail("unavailable", "GitHub has a problem; trying again.", wait)
        : fail("invalid", "This answer was not expected: check githubApiUrl and any proxy in between.");
  }
}

/** Seconds from `retry-after`, or until `x-ratelimit-reset` when nothing remains; undefined when neither says to wait. */
export function secondsToWait(headers: FailedAnswer["headers"], now: number): number | undefined {
  const retryAfter = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(retryAfter)) return Math.max(0, retryAfter);
  if (String(headers["x-ratelimit-remaining"]) !== "0") return undefined;
  const reset = Number(headers["x-ratelimit-reset"] ?? Number.NaN);
  return Number.isFinite(reset) ? Math.max(1, reset - now / 1000 + 1) : undefined;
}

/** The time in GitHub's token expiration header ("2026-12-01 00:00:00 UTC" or "... +0900"), in milliseconds since 1970. */
export function parseTokenExpiration(header: unknown): number | undefined {
  const time = typeof header === "string" ? Date.parse(header) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
