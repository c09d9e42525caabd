import { backoffSeconds, isAbort, sleepSeconds } from "../shared/backoff";
import type { Ended, JobEvent } from "../shared/lease";
import type { Log } from "../shared/log";
import { explainProbe, type ProbeResult } from "./digdagProbe";
import type { GitHubRunners, MintedRunner } from "./github";
import { GitHubError, tellFailure } from "./githubErrors";
import type { LeaseHolder, LeaseServer } from "./leaseServer";
import type { LeaseStateFile } from "./leaseState";
import { judgeListenerExit } from "./listenerExit";
import type { Metrics } from "./metrics";
import type { Readiness } from "./readiness";
import { newRunnerName } from "./runnerNames";
import { RunnerWatch } from "./runnerWatch";
import type { BrokerSettings } from "./settings";
import { findGhosts } from "./sweep";

const LONGEST_RETRY_SECONDS = 300;
/** Digdag and a runner that is about to end come back sooner than a wrong token is replaced. */
const LONGEST_WAIT_SECONDS = 30;
/** A runner may stay busy for a moment after its listener ended; only a longer time is worth telling. */
const NORMAL_LOOKS_AT_A_FORMER_RUNNER = 3;

/** What the broker works with; all of it made in main.ts. */
export interface BrokerParts {
  settings: BrokerSettings;
  github: GitHubRunners;
  lease: LeaseServer;
  state: LeaseStateFile;
  readiness: Readiness;
  metrics: Metrics;
  log: Log;
  probe: () => Promise<ProbeResult>;
  /** The public address of this Pod in words. */
  egressAddress: () => Promise<string>;
}

/** Registers one runner after the other for the supervisor that holds the lease, and sees to it that none is left behind. */
export class Broker {
  /** What changes a registration runs here, one after the other. */
  private queue: Promise<void> = Promise.resolve();
  private draining = false;
  private outdated = false;
  private badExits = 0;
  private registration = new AbortController();
  private readonly watch: RunnerWatch;
  /** Names whose registration got no answer: GitHub may know them or not. */
  private readonly doubtful = new Set<string>();

  constructor(private readonly parts: BrokerParts) {
    const { lease } = parts;
    this.watch = new RunnerWatch(parts);
    lease.on("held", (holder) => this.onHeld(holder));
    lease.on("lost", () => parts.readiness.blocked("the supervisor is not connected"));
    lease.on("message", (message, holder) => {
      if (message.type === "ready") this.enqueue(() => this.register(holder));
      else if (message.type === "ended") this.onEnded(message);
      else if (message.type === "job") this.onJob(message);
      else this.onDrain(holder);
    });
  }

  /**
   * For the end of the Pod. The kubelet stops this container after the runner's: without a holder the registration is left over
   * and deleted. With one, only the broker restarts, and the runner stays as it is.
   */
  async shutdown(limitSeconds: number): Promise<void> {
    this.registration.abort();
    this.watch.stop();
    if (this.parts.lease.isHeld) return;
    const limit = AbortSignal.timeout(limitSeconds * 1000);
    this.enqueue(() => this.formerRunnerGone(limit));
    await Promise.race([this.queue, sleepSeconds(limitSeconds)]);
  }

  /** Deletes the ghosts of the pool once. Never throws. */
  async sweep(): Promise<void> {
    const { github, settings, state, metrics, log } = this.parts;
    try {
      const ghosts = findGhosts(await github.list(), {
        pool: settings.namePrefix,
        ownRunnerId: state.current.runner?.id,
        ghostSeconds: settings.ghostSeconds,
      });
      for (const ghost of ghosts) {
        if ((await github.delete(ghost.id)) !== "deleted") continue;
        metrics.ghostsSwept.inc();
        log.warn({ runnerId: ghost.id, runnerName: ghost.name }, "a ghost of this pool was deleted");
      }
    } catch (error) {
      tellFailure(log, error, "the sweep for ghosts failed");
    }
  }

  private onHeld(holder: LeaseHolder): void {
    this.draining = false;
    const { readiness, state } = this.parts;
    const runner = state.current.runner;
    // Another supervisor in the same image is refused as well: the reason stays on /readyz.
    if (!this.outdated) readiness.clear();
    if (runner && holder.runnerId === runner.id) this.watch.start(runner, holder.gone);
  }

  private onDrain(holder: LeaseHolder): void {
    this.draining = true;
    this.registration.abort();
    this.parts.readiness.blocked("the Pod is stopping: its runner takes no further job");
    this.enqueue(() => this.drain(holder));
  }

  private onJob(job: JobEvent): void {
    const { name, event, result, runnerId } = job;
    this.parts.log.info({ runnerId, job: name, result }, `job ${event}`);
    if (event === "completed") this.parts.metrics.jobs.inc({ result: result ?? "unknown" });
  }

  private onEnded({ runnerId, exitCode, signal }: Ended): void {
    this.watch.stop();
    const { log, metrics, readiness } = this.parts;
    const { meaning, next } = judgeListenerExit(exitCode, signal);
    metrics.listenerExits.inc({ code: exitCode ?? signal ?? "unknown" });
    log[next === "register" ? "info" : "error"](
      { runnerId, exitCode, signal },
      `the listener ended: ${meaning}`,
    );
    this.badExits = next === "register" ? 0 : this.badExits + 1;
    if (next === "stop") {
      this.outdated = true;
      readiness.blocked(`no runner is registered: ${meaning}`);
    }
  }

  private async register(holder: LeaseHolder): Promise<void> {
    if (this.draining || this.outdated) return;
    const { settings, metrics, readiness, log } = this.parts;
    this.registration = new AbortController();
    const signal = AbortSignal.any([holder.gone, this.registration.signal]);
    await this.formerRunnerGone(signal);
    if (this.badExits > 0) {
      await sleepSeconds(backoffSeconds(this.badExits, settings.retrySeconds, LONGEST_RETRY_SECONDS), signal);
    }
    const runner = await this.mint(signal);
    // The state file knows the runner: whoever comes next deletes it.
    if (signal.aborted) return;
    metrics.registrations.inc();
    readiness.clear();
    log.info({ runnerId: runner.id, runnerName: runner.name }, "a runner was registered");
    holder.send({
      type: "jit",
      runnerId: runner.id,
      runnerName: runner.name,
      jitConfig: runner.jitConfig,
    });
    this.watch.start(runner, holder.gone);
  }

  private async mint(signal: AbortSignal): Promise<MintedRunner> {
    const { settings, github, state } = this.parts;
    return this.retry("no runner could be registered", LONGEST_RETRY_SECONDS, signal, async () => {
      await this.digdagReachable(signal);
      await this.deleteDoubtful();
      signal.throwIfAborted();
      const name = newRunnerName(settings.namePrefix, settings.podName);
      try {
        const runner = await github.mint(name, settings.labels);
        state.save({ ...state.current, runner: { id: runner.id, name } });
        return runner;
      } catch (error) {
        if (!(error instanceof GitHubError) || error.mayHaveHadEffect) this.doubtful.add(name);
        throw error;
      }
    });
  }

  private async deleteDoubtful(): Promise<void> {
    const { github } = this.parts;
    for (const name of this.doubtful) {
      for (const runner of await github.list(name)) await github.delete(runner.id);
      this.doubtful.delete(name);
    }
  }

  private async digdagReachable(signal: AbortSignal): Promise<void> {
    const { settings, probe, egressAddress, readiness, metrics, log } = this.parts;
    for (let failures = 1; ; failures++) {
      const result = await probe();
      metrics.digdagReachable.set(result.reachable ? 1 : 0);
      if (result.reachable) return;
      metrics.digdagProbeFailures.inc({ layer: result.layer });
      const message = explainProbe(settings.digdagEndpoint, result, await egressAddress());
      readiness.blocked(message);
      log.error({ layer: result.layer, endpoint: settings.digdagEndpoint }, message);
      await sleepSeconds(backoffSeconds(failures, settings.retrySeconds, LONGEST_WAIT_SECONDS), signal);
    }
  }

  /** Returns when GitHub says that the runner registered last is gone. */
  private async formerRunnerGone(signal: AbortSignal): Promise<void> {
    const { settings, github, state, readiness, log } = this.parts;
    const runner = state.current.runner;
    if (!runner) return;
    for (let looks = 1; ; looks++) {
      const gone = await this.retry(
        "the former runner could not be looked up",
        LONGEST_WAIT_SECONDS,
        signal,
        async () => !(await github.get(runner.id)) || (await github.delete(runner.id)) !== "busy",
      );
      if (gone) break;
      if (looks >= NORMAL_LOOKS_AT_A_FORMER_RUNNER) {
        readiness.blocked(`GitHub still lists this Pod's former runner ${runner.name} as busy`);
        log.warn(
          { runnerId: runner.id, runnerName: runner.name },
          "GitHub still lists the former runner as busy",
        );
      }
      await sleepSeconds(backoffSeconds(looks, settings.retrySeconds, LONGEST_WAIT_SECONDS), signal);
    }
    this.forget();
  }

  private async drain(holder: LeaseHolder): Promise<void> {
    const { github, state, log } = this.parts;
    const runner = state.current.runner;
    if (!runner) return holder.send({ type: "drained", outcome: "none" });
    const outcome = await this.retry(
      "the runner could not be asked to take no job",
      LONGEST_WAIT_SECONDS,
      holder.gone,
      () => github.delete(runner.id),
    );
    if (outcome !== "busy") this.forget();
    log.info({ runnerId: runner.id, runnerName: runner.name, outcome }, "draining");
    holder.send({ type: "drained", outcome });
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
        return await action();
      } catch (error) {
        if (isAbort(error)) throw error;
        const asked = tellFailure(log, error, what);
        const wait = backoffSeconds(failures, settings.retrySeconds, longestSeconds);
        if (!this.draining) readiness.blocked(`${what}: ${(error as GitHubError).message}`);
        await sleepSeconds(Math.max(asked, wait), signal);
      }
    }
  }

  private forget(): void {
    const { runner: _gone, ...rest } = this.parts.state.current;
    this.parts.state.save(rest);
  }

  private enqueue(task: () => Promise<void>): void {
    this.queue = this.queue.then(task).catch((error) => {
      if (!isAbort(error)) throw error;
    });
    // Anything but an abort is a defect: it must end the program, and a rejected queue must not swallow it.
    this.queue.catch((error) => {
      setImmediate(() => {
        throw error;
      });
    });
  }
}
