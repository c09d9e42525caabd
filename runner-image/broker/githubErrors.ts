import type { Log } from "../shared/log";

/** What a failed call means for the broker. */
export type GitHubErrorKind =
  /** The mounted file holds no usable credential; nothing was asked. */
  | "credential"
  | "unauthorized"
  | "forbidden"
  | "rate-limited"
  | "not-found"
  | "conflict"
  | "invalid"
  /** GitHub points somewhere that the credential is not sent to. */
  | "redirected"
  /** Something other than GitHub's API answered. */
  | "unexpected"
  /** GitHub has a problem. */
  | "unavailable"
  /** No answer came. */
  | "unreachable";

export interface GitHubErrorDetails {
  /** HTTP status, absent when no answer came. */
  status?: number;
  /** Seconds that GitHub asked to wait; never more than an hour. */
  retryAfterSeconds?: number;
  /** For a question to GitHub's support. */
  requestId?: string;
  /** True when GitHub may have done what was asked although the call failed. Default false. */
  mayHaveHadEffect?: boolean;
}

/** A call to GitHub that failed, with a message a person can act on. Never holds the credential or the request. */
export class GitHubError extends Error {
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly requestId: string | undefined;
  readonly mayHaveHadEffect: boolean;

  constructor(
    readonly kind: GitHubErrorKind,
    message: string,
    details: GitHubErrorDetails = {},
  ) {
    super(message);
    this.name = "GitHubError";
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.requestId = details.requestId;
    this.mayHaveHadEffect = details.mayHaveHadEffect ?? false;
  }
}

/** Logs a failed call to GitHub and returns the seconds GitHub asked to wait. Throws what is not a failed call: it is a defect. */
export function tellFailure(log: Log, error: unknown, what: string): number {
  if (!(error instanceof GitHubError)) throw error;
  const { kind, status, requestId, retryAfterSeconds, message } = error;
  log.error({ kind, status, requestId }, `${what}: ${message}`);
  return retryAfterSeconds ?? 0;
}
