import { type Answer, isPrimaryLimit } from "./githubAnswers";
import { GitHubError } from "./githubErrors";

const EVERY_ROUTE = "";

/**
 * Keeps calls from being sent while GitHub asks to wait, whoever makes them and however often. Octokit's own plugin would
 * wait inside a call, where a Pod that is asked to stop cannot be told.
 */
export class RateLimitGate {
  /** By route, in milliseconds of performance.now(). */
  private readonly closedUntil = new Map<string, number>();

  /** Throws a GitHubError of kind `rate-limited` while the gate is closed for this route. */
  check(route: string): void {
    const until = Math.max(...[route, EVERY_ROUTE].map((key) => this.closedUntil.get(key) ?? 0));
    const seconds = (until - performance.now()) / 1000;
    if (seconds <= 0) return;
    throw new GitHubError(
      "rate-limited",
      `GitHub asked to wait before the next ${route}; waiting ${Math.ceil(seconds)} s more.`,
      { retryAfterSeconds: seconds },
    );
  }

  /** A primary limit is one of several, each with routes of its own; a secondary one holds for all of them. */
  note(route: string, answer: Answer, error: GitHubError): void {
    if (error.kind !== "rate-limited") return;
    const key = isPrimaryLimit(answer.headers) ? route : EVERY_ROUTE;
    this.closedUntil.set(key, performance.now() + (error.retryAfterSeconds ?? 0) * 1000);
  }
}
