import { EventEmitter, once } from "node:events";
import { isAbort } from "../shared/backoff";
import type { DrainOutcome, JitMessage, JobIdentity, RetireMessage } from "../shared/lease";
import type { Log } from "../shared/log";
import { removeAttributes } from "./attributes";
import type { Container } from "./container";
import { readJobIdentity } from "./jobIdentity";
import type { LeaseClient } from "./leaseClient";
import { type JobNews, Listener, type ListenerEnd } from "./listener";
import { OwnLimits } from "./ownLimits";
import { buildRunnerHome } from "./runnerHome";
import { jobFile, listenerEnvironment, type SupervisorSettings } from "./settings";
import { removeSharedMemorySegments } from "./sharedMemory";
import { emptyDirectories } from "./wipe";

/** How long a container without a runner waits for the broker's last word. */
const LAST_WORD_MS = 20_000;
/** How long a listener that GitHub does not know any more may take to notice it: one long poll and a bit. */
const UNKNOWN_RUNNER_MS = 90_000;

/** Runs one listener after the other, each in a clean place, until it is asked to drain. */
export class Supervisor {
  private listener: Listener | undefined;
  private waiting = false;
  private readonly drainRequested = new AbortController();
  private readonly outcome = new EventEmitter<{ known: [] }>();
  private drainOutcome: DrainOutcome | undefined;
  private readonly limits = new OwnLimits();
  /** Of the job that runs. */
  private identity: JobIdentity | undefined;

  constructor(
    private readonly settings: SupervisorSettings,
    private readonly container: Container,
    private readonly lease: LeaseClient,
    private readonly log: Log,
  ) {
    lease.on("welcome", () => {
      if (this.draining) lease.tell({ type: "drain" });
      else if (this.waiting) lease.tell({ type: "ready" });
    });
    lease.on("drained", (outcome) => this.onDrained(outcome));
    lease.on("retire", (message) => this.onRetire(message));
  }

  /** Returns when the container may end: no listener runs and none will. Throws when it cannot be made clean. */
  async run(): Promise<void> {
    this.lease.start();
    // The lease comes first: once it is held, no job code can ever take it.
    if (!this.lease.connected)
      await this.unlessDraining(once(this.lease, "welcome", { signal: this.drainSignal }));
    while (!this.draining) {
      await this.cleanUp();
      const jit = await this.nextRunner();
      if (jit) await this.runJob(jit);
    }
    if (this.lease.connected && this.drainOutcome === undefined) {
      await Promise.race([
        once(this.outcome, "known"),
        new Promise((resolve) => setTimeout(resolve, LAST_WORD_MS)),
      ]);
    }
    await this.lease.close();
  }

  /** Takes no further job; an idle listener ends now, a busy one after its job or when the grace is used up. */
  drain(): void {
    if (this.draining) return;
    this.log.info("asked to stop: draining");
    this.drainRequested.abort();
    this.lease.tell({ type: "drain" });
    const graceMs = this.settings.maxJobMinutes * 60_000;
    setTimeout(
      () =>
        this.listener?.interrupt(`the job still runs ${this.settings.maxJobMinutes} minutes after the stop`),
      graceMs,
    ).unref();
  }

  private get draining(): boolean {
    return this.drainSignal.aborted;
  }

  private get drainSignal(): AbortSignal {
    return this.drainRequested.signal;
  }

  private async cleanUp(): Promise<void> {
    const start = Date.now();
    await this.container.endEveryOtherProcess();
    // Not before: whoever could still change them is gone now.
    this.limits.check();
    await removeSharedMemorySegments();
    await emptyDirectories(this.settings.workDirectories);
    await removeAttributes(this.settings.workDirectories);
    this.log.info({ seconds: (Date.now() - start) / 1000 }, "the container is clean");
  }

  private async nextRunner(): Promise<JitMessage | undefined> {
    const arrival = this.unlessDraining(once(this.lease, "jit", { signal: this.drainSignal }));
    this.waiting = true;
    this.lease.tell({ type: "ready" });
    const arrived = await arrival;
    this.waiting = false;
    return arrived?.[0] as JitMessage | undefined;
  }

  private async runJob({ runnerId, runnerName, jitConfig }: JitMessage): Promise<void> {
    const { runnerSource, runnerHome } = this.settings;
    const log = this.log.child({ runnerId, runnerName });
    this.lease.runnerId = runnerId;
    this.identity = undefined;
    const path = await buildRunnerHome(runnerSource, runnerHome);
    // Between here and the end the broker decides, with GitHub, whether the listener may be stopped.
    if (this.draining && this.mayStopNow()) return;
    const env = listenerEnvironment(process.env, this.settings, jitConfig);
    const over = new AbortController();
    const listener = new Listener(path, runnerHome, env, log, (news) =>
      this.onJob(runnerId, log, news, over.signal),
    );
    this.listener = listener;
    log.info("the listener was started");
    const end = await listener.ended.finally(() => over.abort());
    this.listener = undefined;
    this.lease.runnerId = undefined;
    log.info({ ...end }, "the listener ended");
    this.lease.report({ type: "ended", runnerId, ...end });
    await this.refuseSequelOf(end, listener.interrupted);
  }

  private onJob(runnerId: number, log: Log, news: JobNews, over: AbortSignal): void {
    const tell = (event: JobNews["event"] | "identified", result?: string) => {
      const identity = this.identity;
      log.info({ job: news.name, result, ...identity }, `job ${event}`);
      this.lease.report({
        type: "job",
        runnerId,
        event,
        name: news.name,
        ...(result !== undefined && { result }),
        ...(identity && { identity }),
      });
    };
    tell(news.event, news.result);
    if (news.event !== "started" || this.settings.jobStartedHook === undefined) return;
    void readJobIdentity(jobFile(this.settings), over).then((identity) => {
      this.identity = identity;
      if (identity) tell("identified");
    });
  }

  /**
   * After a listener that somebody killed GitHub takes its runner for busy for many minutes, and waits. A new container has a
   * lease of its own, which need not wait: every process of the old one is known to be gone.
   */
  private async refuseSequelOf({ signal }: ListenerEnd, byUs: boolean): Promise<void> {
    if (signal === null || byUs || this.draining) return;
    await this.lease.close();
    throw new Error(`the listener was killed by ${signal}; the container must be replaced`);
  }

  /** GitHub gives the runner no job any more; only a job that runs all the same keeps its listener. */
  private onRetire({ runnerId, reason }: RetireMessage): void {
    if (this.lease.runnerId !== runnerId || !this.listener) return;
    if (this.container.jobRuns()) this.log.info({ runnerId, reason }, "the listener is kept: a job runs");
    else this.listener.interrupt(reason);
  }

  private onDrained(outcome: DrainOutcome): void {
    this.log.info({ outcome }, "the broker answered to the drain");
    this.drainOutcome = outcome;
    this.outcome.emit("known");
    if (outcome === "deleted") this.listener?.interrupt("the runner was idle and is deleted on GitHub");
    if (outcome === "absent") setTimeout(() => this.endUnknownRunner(), UNKNOWN_RUNNER_MS).unref();
  }

  /** GitHub does not know the runner: its job is over, or it never gets one. */
  private endUnknownRunner(): void {
    if (!this.container.jobRuns()) this.listener?.interrupt("GitHub does not know the runner any more");
  }

  /** True when the runner that was about to start is known to be deleted. */
  private mayStopNow(): boolean {
    return this.drainOutcome === "deleted" || this.drainOutcome === "absent";
  }

  private async unlessDraining<T>(promise: Promise<T>): Promise<T | undefined> {
    return promise.catch((error) => {
      if (isAbort(error)) return undefined;
      throw error;
    });
  }
}
