import { isAbort, sleepSeconds } from "../shared/backoff";
import type { Log } from "../shared/log";
import type { GitHubRunners, Runner } from "./github";
import { tellFailure } from "./githubErrors";
import type { RegisteredRunner } from "./leaseState";
import type { Metrics } from "./metrics";
import type { Readiness } from "./readiness";

/** How long a new runner is looked for closely before the usual interval applies. */
const EAGER_SECONDS = 60;
const EAGER_POLL_SECONDS = 2;

/** What the watch works with. */
export interface WatchParts {
  settings: { pollSeconds: number };
  github: GitHubRunners;
  readiness: Readiness;
  metrics: Metrics;
  log: Log;
}

/** Looks, sparingly, at how GitHub lists one runner, and tells readiness, metrics and log. */
export class RunnerWatch {
  private stopped = new AbortController();

  constructor(private readonly parts: WatchParts) {}

  /** Watches this runner from now on, until the next start, stop() or `end`. */
  start(runner: RegisteredRunner, end: AbortSignal): void {
    this.stop();
    this.stopped = new AbortController();
    void this.look(runner, AbortSignal.any([end, this.stopped.signal])).catch((error) => {
      if (!isAbort(error)) throw error;
    });
  }

  stop(): void {
    this.stopped.abort();
    this.parts.metrics.online.set(0);
    this.parts.metrics.busy.set(0);
  }

  private async look(runner: RegisteredRunner, signal: AbortSignal): Promise<void> {
    const { settings, github, log } = this.parts;
    const start = Date.now();
    let before = "";
    for (;;) {
      try {
        const seen = await github.get(runner.id);
        signal.throwIfAborted();
        before = this.note(runner, seen, before);
      } catch (error) {
        signal.throwIfAborted();
        tellFailure(log, error, "GitHub could not be asked about the runner");
      }
      const eager = before !== "online" && Date.now() - start < EAGER_SECONDS * 1000;
      const wait = eager ? Math.min(EAGER_POLL_SECONDS, settings.pollSeconds) : settings.pollSeconds;
      await sleepSeconds(wait, signal);
    }
  }

  private note(runner: RegisteredRunner, seen: Runner | undefined, before: string): string {
    const { readiness, metrics, log } = this.parts;
    const online = seen !== undefined && (seen.status === "online" || seen.busy);
    metrics.online.set(online ? 1 : 0);
    metrics.busy.set(seen?.busy ? 1 : 0);
    if (online) readiness.online(runner);
    const now = online ? "online" : (seen?.status ?? "not listed");
    if (now !== before) {
      log.info(
        { runnerId: runner.id, runnerName: runner.name, status: now },
        `GitHub lists the runner as ${now}`,
      );
    }
    return now;
  }
}
