import { backoffSeconds, isAbort, sleepSeconds } from "../shared/backoff";
import type { Log } from "../shared/log";
import type { GitHubRunners, MintedRunner } from "./github";
import { GitHubError, tellFailure } from "./githubErrors";
import type { LeaseStateFile, RegisteredRunner } from "./leaseState";
import type { Metrics } from "./metrics";
import type { Readiness } from "./readiness";
import { newRunnerName } from "./runnerNames";
import { findGhosts } from "./sweep";

/** A wrong token is not replaced within seconds. */
const LONGEST_RETRY_SECONDS = 300;
/** A runner that is about to end comes back sooner than that. */
const LONGEST_WAIT_SECONDS = 30;
/** A runner may stay busy for a moment after its listener ended; only a longer time is worth telling. */
const NORMAL_LOOKS_AT_A_FORMER_RUNNER = 3;

/** What the registrar works with. */
export interface RegistrarParts {
  settings: {
    namePrefix: string;
    podName: string;
    labels: string[];
    retrySeconds: number;
    ghostSeconds: number;
  };
  github: GitHubRunners;
  state: LeaseStateFile;
  readiness: Readiness;
  metrics: Metrics;
  log: Log;
}

/** Makes this Pod's registrations on GitHub and sees to it that none is left behind. What it knows outlives a restart. */
export class Registrar {
  constructor(private readonly parts: RegistrarParts) {}

  /** The runner registered last, until GitHub says that it is gone. */
  get runner(): RegisteredRunner | undefined {
    return this.parts.state.current.runner;
  }

  /**
   * Registers a runner under a new name; rejects only when aborted.
   * @param mayRegister awaited before every attempt
   */
  async register(mayRegister: () => Promise<void>, signal: AbortSignal): Promise<MintedRunner> {
    const { settings, github, state } = this.parts;
    const runner = await this.retry(
      "no runner could be registered",
      LONGEST_RETRY_SECONDS,
      signal,
      async () => {
        await mayRegister();
        await this.deleteDoubtfulOnce();
        signal.throwIfAborted();
        const name = newRunnerName(settings.namePrefix, settings.podName);
        // Before the request: should this program end before the answer comes, the next one knows the name.
        state.update({ doubtful: [...(state.current.doubtful ?? []), name] });
        try {
          const minted = await github.mint(name, settings.labels);
          state.update({ runner: { id: minted.id, name }, doubtful: this.doubtfulWithout(name) });
          return minted;
        } catch (error) {
          if (error instanceof GitHubError && !error.mayHaveHadEffect) {
            state.update({ doubtful: this.doubtfulWithout(name) });
          }
          throw error;
        }
      },
    );
    this.parts.metrics.registrations.inc();
    return runner;
  }

  /**
   * Returns when GitHub says that the runner registered last is gone; rejects only when aborted.
   * @param ended its container has ended, so it is only a name: one that GitHub still takes for busy is left to the sweep
   */
  async formerRunnerGone(signal: AbortSignal, ended = false): Promise<void> {
    const { settings, state, readiness, log } = this.parts;
    const runner = this.runner;
    if (!runner) return;
    for (let looks = 1; !(await this.isGone(runner, signal)); looks++) {
      if (looks >= NORMAL_LOOKS_AT_A_FORMER_RUNNER) {
        const which = { runnerId: runner.id, runnerName: runner.name };
        log.warn(which, "GitHub still lists the former runner as busy");
        if (ended) {
          state.update({ runner: undefined, leftOver: [...(state.current.leftOver ?? []), runner] });
          return;
        }
        readiness.blocked("GitHub", `GitHub still lists this Pod's former runner ${runner.name} as busy`);
      }
      await sleepSeconds(backoffSeconds(looks, settings.retrySeconds, LONGEST_WAIT_SECONDS), signal);
    }
  }

  private async isGone(runner: RegisteredRunner, signal: AbortSignal): Promise<boolean> {
    const { github, state } = this.parts;
    // Looked at first: it has mostly gone with its job.
    const seen = await this.retry(
      "the former runner could not be looked up",
      LONGEST_WAIT_SECONDS,
      signal,
      () => github.get(runner.id),
    );
    if (seen) return (await this.delete(runner, signal)) !== "busy";
    state.update({ runner: undefined });
    return true;
  }

  /** Deletes a runner unless a job runs on it, and forgets it if it was the last; rejects only when aborted. */
  async delete(runner: RegisteredRunner, signal: AbortSignal): Promise<"deleted" | "busy" | "absent"> {
    const { github, state } = this.parts;
    const outcome = await this.retry("a runner could not be deleted", LONGEST_WAIT_SECONDS, signal, () =>
      github.delete(runner.id),
    );
    if (outcome !== "busy" && this.runner?.id === runner.id) state.update({ runner: undefined });
    return outcome;
  }

  /** Deletes what requests without an answer may have made; rejects only when aborted. */
  async deleteDoubtful(signal: AbortSignal): Promise<void> {
    await this.retry("a lost registration could not be looked up", LONGEST_WAIT_SECONDS, signal, () =>
      this.deleteDoubtfulOnce(),
    );
  }

  private async deleteDoubtfulOnce(): Promise<void> {
    const { github, state } = this.parts;
    for (const name of state.current.doubtful ?? []) {
      for (const runner of await github.list(name)) await github.delete(runner.id);
      state.update({ doubtful: this.doubtfulWithout(name) });
    }
  }

  /** Deletes this Pod's left over runners and the ghosts of the pool, once. Throws nothing that GitHub answers. */
  async sweep(): Promise<void> {
    const { github, settings, state, log } = this.parts;
    try {
      for (const runner of state.current.leftOver ?? []) {
        if ((await github.delete(runner.id)) === "busy") continue;
        state.update({ leftOver: state.current.leftOver?.filter((each) => each.id !== runner.id) });
        this.tellSwept(runner);
      }
      const ghosts = findGhosts(await github.list(), {
        pool: settings.namePrefix,
        ownRunnerId: this.runner?.id,
        ghostSeconds: settings.ghostSeconds,
      });
      for (const ghost of ghosts) {
        if ((await github.delete(ghost.id)) === "deleted") this.tellSwept(ghost);
      }
    } catch (error) {
      tellFailure(log, error, "the sweep for ghosts failed");
    }
  }

  private tellSwept({ id, name }: RegisteredRunner): void {
    this.parts.metrics.ghostsSwept.inc();
    this.parts.log.warn({ runnerId: id, runnerName: name }, "a ghost of this pool was deleted");
  }

  private doubtfulWithout(name: string): string[] | undefined {
    const left = (this.parts.state.current.doubtful ?? []).filter((each) => each !== name);
    return left.length > 0 ? left : undefined;
  }

  /** Repeats a call to GitHub until it succeeds, waiting longer each time; rejects only when aborted. */
  private async retry<T>(
    what: string,
    longestSeconds: number,
    signal: AbortSignal,
    action: () => Promise<T>,
  ): Promise<T> {
    const { settings, readiness, log } = this.parts;
    for (let failures = 1; ; failures++) {
      try {
        signal.throwIfAborted();
        const result = await action();
        readiness.clear("GitHub");
        return result;
      } catch (error) {
        if (isAbort(error)) throw error;
        const asked = tellFailure(log, error, what);
        const wait = backoffSeconds(failures, settings.retrySeconds, longestSeconds);
        readiness.blocked("GitHub", `${what}: ${(error as GitHubError).message}`);
        // Both, so that Pods that share a limit do not come back at the same moment.
        await sleepSeconds(asked + wait, signal);
      }
    }
  }
}
