import type { Log } from "../shared/log";
import type { ApiObserver } from "./githubClient";

const DAY_MS = 24 * 3600 * 1000;
/** Time enough to get a new token from whoever may make one. */
const WARN_DAYS = 14;

/** Warns, once a day, of a token that ends soon: a runner that is online shows nothing until the day it ends. */
export function warnOfTokenExpiry(
  observer: ApiObserver,
  log: Log,
  now: () => number = Date.now,
): ApiObserver {
  let warnedAt = Number.NEGATIVE_INFINITY;
  return {
    request: (route, status) => observer.request(route, status),
    rateLimitRemaining: (remaining) => observer.rateLimitRemaining(remaining),
    tokenExpires(at) {
      observer.tokenExpires(at);
      if (at - now() > WARN_DAYS * DAY_MS || now() - warnedAt < DAY_MS) return;
      warnedAt = now();
      const expires = new Date(at).toISOString();
      log.warn(
        { expires },
        `GitHub's token expires on ${expires}: put a new one into the SSM parameter and run \`pulumi up\``,
      );
    },
  };
}
