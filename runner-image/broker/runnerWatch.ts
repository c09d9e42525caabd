import { isAbort, sleepSeconds } from "../shared/backoff";
import type { Log } from "../shared/log";
import type { GitHubRunners } from "./github";
import { tellFailure } from "./githubErrors";
import type { RegisteredRunner } from "./leaseState";
import type { Metrics } from "./metrics";
import type { Readiness } from "./readiness";
import { type RunnerState, reasonToReplace, runnerState } from "./runnerState";

/** How long a runner that is not online is looked at closely before the usual interval applies. */
const EAGER_SECONDS = 60;
const EAGER_POLL_SECONDS = 2;

/** What the watch works with. */
export interface WatchParts {
  settings: { pollSeconds: number; missingSeconds: number; offlineSeconds: number };
  github: GitHubRunners;
  readiness: Readiness;
  metrics: Metrics;
  log: Log;
}

/** What the watch has seen of one runner. */
interface Sight {
  state: RunnerState;
  since: number;
  wasOnline: boolean;
}

export interface WatchEvents {
  /** GitHub lists the runner as online for the first time. */
  online(): void;
  /** The listener gets no job any more. Said again at every look while that stays so. */
  ghost(reason: "missing" | "offline"): void;
}

/** Looks, sparingly, at how GitHub lists one runner, and tells readiness, metrics, log and the broker. */
export class RunnerWatch {
  private stopped = new AbortController();
  private runner: RegisteredRunner | undefined;
  private sight: Sight | undefined;

  constructor(
    private readonly parts: WatchParts,
    private readonly version: (version: string) => void,
  ) {}

  /** True while GitHub was last seen to list the runner as busy. */
  get busy(): boolean {
    return this.sight?.state === "busy";
  }

  isWatching(runner: RegisteredRunner): boolean {
    return this.runner?.id === runner.id;
  }

  /**
   * Watches this runner from now on, until the next start, stop() or `end`.
   * @returns a signal that aborts when the watch ends
   */
  start(runner: RegisteredRunner, end: AbortSignal, events: WatchEvents): AbortSignal {
    this.stop();
    this.stopped = new AbortController();
    this.runner = runner;
    const signal = AbortSignal.any([end, this.stopped.signal]);
    void this.look(runner, signal, events).catch((error) => {
      if (!isAbort(error)) throw error;
    });
    return signal;
  }

  stop(): void {
    this.stopped.abort();
    this.runner = undefined;
    this.sight = undefined;
    this.parts.metrics.runnerState("none");
  }

  private async look(runner: RegisteredRunner, signal: AbortSignal, events: WatchEvents): Promise<void> {
    const { settings, github, log } = this.parts;
    this.sight = { state: "starting", since: Date.now(), wasOnline: false };
    this.parts.metrics.runnerState("starting");
    for (;;) {
      try {
        const seen = await github.get(runner.id);
        signal.throwIfAborted();
        if (seen?.version) this.version(seen.version);
        this.note(runner, runnerState(seen, this.sight.wasOnline), events);
      } catch (error) {
        signal.throwIfAborted();
        tellFailure(log, error, "GitHub could not be asked about the runner");
      }
      const { state, since } = this.sight;
      const eager = state !== "idle" && state !== "busy" && Date.now() - since < EAGER_SECONDS * 1000;
      await sleepSeconds(
        eager ? Math.min(EAGER_POLL_SECONDS, settings.pollSeconds) : settings.pollSeconds,
        signal,
      );
    }
  }

  private note(runner: RegisteredRunner, state: RunnerState, events: WatchEvents): void {
    const { settings, readiness, metrics, log } = this.parts;
    const before = this.sight as Sight;
    const now = Date.now();
    const online = state === "idle" || state === "busy";
    const since = state === before.state ? before.since : now;
    this.sight = { state, since, wasOnline: before.wasOnline || online };
    metrics.runnerState(state);
    if (state !== before.state) {
      log.info(
        { runnerId: runner.id, runnerName: runner.name, state },
        `GitHub lists the runner as ${state}`,
      );
    }
    if (online) {
      readiness.online(runner, now);
      if (!before.wasOnline) events.online();
    }
    const reason = reasonToReplace(state, (now - since) / 1000, settings);
    if (reason) events.ghost(reason);
  }
}
