import { backoffSeconds, isAbort, sleepSeconds } from "../shared/backoff";
import type { Ended, JobEvent } from "../shared/lease";
import { type Log, messageOf } from "../shared/log";
import type { DigdagWatch } from "./digdagWatch";
import type { LeaseHolder, LeaseServer } from "./leaseServer";
import type { RegisteredRunner } from "./leaseState";
import { judgeListenerExit } from "./listenerExit";
import type { Metrics } from "./metrics";
import type { Readiness } from "./readiness";
import { Registrar, type RegistrarParts } from "./registrar";
import { RunnerWatch } from "./runnerWatch";
import type { BrokerSettings } from "./settings";
import { SupervisorPulse } from "./supervisorPulse";

const LONGEST_BACK_OFF_SECONDS = 300;

/** What the broker works with; all of it made in main.ts. */
export interface BrokerParts extends RegistrarParts {
  settings: BrokerSettings;
  lease: LeaseServer;
  readiness: Readiness;
  metrics: Metrics;
  log: Log;
  digdag: DigdagWatch;
  /** Told which version of the runner GitHub sees. */
  version: (version: string) => void;
  /** Deletes this Pod; only where it ends after its job (podPerJob). */
  deletePod?: (() => Promise<void>) | undefined;
}

/** Registers one runner after the other for the supervisor that holds the lease, and replaces what does not work. */
export class Broker {
  /** What changes a registration runs here, one after the other. */
  private queue: Promise<void> = Promise.resolve();
  private readonly waiting = new Set<string>();
  private draining = false;
  private outdated = false;
  /** A job ran in this Pod, which is to end after it. */
  private usedUp = false;
  private badExits = 0;
  /** When a listener that ran a job ended, until the next runner is online. */
  private jobEndedAt: number | undefined;
  private jobRan = false;
  /** Registered for a supervisor whose container has ended since. */
  private inherited: RegisteredRunner | undefined;
  private registration = new AbortController();
  private readonly registrar: Registrar;
  private readonly watch: RunnerWatch;
  private readonly pulse: SupervisorPulse;

  constructor(private readonly parts: BrokerParts) {
    const { lease, settings, readiness } = parts;
    this.registrar = new Registrar(parts);
    this.watch = new RunnerWatch(parts, parts.version);
    this.pulse = new SupervisorPulse(
      settings.leaseSocket,
      settings.supervisorSilentSeconds,
      (holder, seconds) => this.onSilent(holder, seconds),
    );
    lease.on("held", (holder) => this.onHeld(holder));
    lease.on("lost", () => readiness.blocked("supervisor", "the supervisor is not connected"));
    lease.on("message", (message, holder) => {
      if (message.type === "ready") this.enqueue(() => this.register(holder));
      else if (message.type === "ended") this.onEnded(message);
      else if (message.type === "job") this.onJob(message);
      else if (message.type === "drain") this.onDrain(holder);
      else this.onPong();
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
    this.enqueue(() => this.registrar.formerRunnerGone(limit));
    this.enqueue(() => this.registrar.deleteDoubtful(limit));
    await Promise.race([this.queue, sleepSeconds(limitSeconds)]);
  }

  sweep(): Promise<void> {
    return this.registrar.sweep();
  }

  private onHeld(holder: LeaseHolder): void {
    this.draining = false;
    const { readiness } = this.parts;
    const { runner } = this.registrar;
    readiness.clear("supervisor");
    if (!this.usedUp) readiness.clear("drain");
    this.pulse.start(holder);
    this.inherited = holder.resumed ? undefined : runner;
    // What became of the runner of a container that is gone nobody told.
    if (this.inherited) this.endPodAfterJob();
    if (holder.runnerId === undefined) return;
    if (runner?.id === holder.runnerId) this.watchRunner(runner, holder);
    else
      holder.send({
        type: "retire",
        runnerId: holder.runnerId,
        reason: "this broker knows nothing of the runner",
      });
  }

  private onPong(): void {
    this.pulse.answered();
    this.parts.readiness.clear("supervisor");
  }

  private onSilent(holder: LeaseHolder, seconds: number): void {
    const { readiness, log } = this.parts;
    const reason = `the supervisor has not answered for ${seconds} s`;
    readiness.blocked("supervisor", reason);
    log.error(reason);
    this.enqueueOnce("replace supervisor", () => this.replaceSupervisor(holder));
  }

  /** Has the container restarted, unless GitHub says that a job runs in it. */
  private async replaceSupervisor(holder: LeaseHolder): Promise<void> {
    const { settings, metrics, log } = this.parts;
    const silent = () => !holder.gone.aborted && this.pulse.silentFor >= settings.supervisorSilentSeconds;
    const { runner } = this.registrar;
    if (!silent() || (runner && (await this.registrar.delete(runner, holder.gone)) === "busy")) return;
    // It may have answered while GitHub was asked.
    if (!silent()) return;
    if (!this.pulse.restart()) return;
    metrics.supervisorRestarts.inc();
    log.error("the kubelet is asked to restart the runner container: its supervisor does not answer");
  }

  private onDrain(holder: LeaseHolder): void {
    this.draining = true;
    this.registration.abort();
    this.parts.readiness.blocked("drain", "the Pod is stopping: its runner takes no further job");
    this.enqueue(() => this.drain(holder));
  }

  private onJob({ name, event, result, runnerId, identity }: JobEvent): void {
    const { log, metrics } = this.parts;
    log.info({ runnerId, job: name, result, ...identity }, `job ${event}`);
    if (event === "started") this.jobRan = true;
    if (event === "completed") metrics.jobs.inc({ result: result ?? "unknown" });
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
    if (this.jobRan) this.jobEndedAt = Date.now();
    // A broker that was restarted meanwhile did not hear of the job.
    if (this.jobRan || exitCode === 0 || signal !== null) this.endPodAfterJob();
    this.jobRan = false;
    if (next === "stop") {
      this.outdated = true;
      readiness.blocked("version", `no runner is registered: ${meaning}`);
    }
  }

  private async register(holder: LeaseHolder): Promise<void> {
    if (this.draining) return;
    const { settings, digdag, log } = this.parts;
    this.registration = new AbortController();
    const signal = AbortSignal.any([holder.gone, this.registration.signal]);
    const { runner: former } = this.registrar;
    if (this.usedUp) return;
    await this.registrar.formerRunnerGone(signal, former !== undefined && former.id === this.inherited?.id);
    // Another supervisor in the same image would be refused as well.
    if (this.outdated) return;
    if (this.badExits > 0) {
      await sleepSeconds(
        backoffSeconds(this.badExits, settings.retrySeconds, LONGEST_BACK_OFF_SECONDS),
        signal,
      );
    }
    const runner = await this.registrar.register(() => digdag.reachable(signal), signal);
    // The registrar knows the runner: whoever comes next deletes it.
    if (signal.aborted) return;
    log.info({ runnerId: runner.id, runnerName: runner.name }, "a runner was registered");
    holder.send({
      type: "jit",
      runnerId: runner.id,
      runnerName: runner.name,
      jitConfig: runner.jitConfig,
    });
    this.watchRunner(runner, holder);
  }

  /** Nothing where Pods run one job after the other. Their ReplicaSet makes a new one as soon as this one is asked to end. */
  private endPodAfterJob(): void {
    const { deletePod, settings, readiness, log } = this.parts;
    if (!deletePod || this.usedUp) return;
    this.usedUp = true;
    readiness.blocked("drain", "the Pod ends after its job (podPerJob)");
    const end = async () => {
      for (let failures = 1; ; failures++) {
        try {
          await deletePod();
          return log.info("the Pod was asked to end after its job");
        } catch (error) {
          log.error(messageOf(error));
          readiness.blocked("drain", messageOf(error));
          await sleepSeconds(backoffSeconds(failures, settings.retrySeconds, LONGEST_BACK_OFF_SECONDS));
        }
      }
    };
    void end();
  }

  /** Watches the runner on GitHub, and Digdag for it, until its listener ends. */
  private watchRunner(runner: RegisteredRunner, holder: LeaseHolder): void {
    const { digdag, metrics } = this.parts;
    const end = this.watch.start(runner, holder.gone, {
      online: () => {
        if (this.jobEndedAt !== undefined)
          metrics.jobEndToOnline.observe((Date.now() - this.jobEndedAt) / 1000);
        this.jobEndedAt = undefined;
      },
      ghost: (why) => this.enqueueOnce("withdraw", () => this.withdraw(runner, holder, why)),
    });
    digdag
      .follow(end, () => {
        if (!this.watch.busy) this.enqueueOnce("withdraw", () => this.withdraw(runner, holder, "Digdag"));
      })
      .catch((error) => {
        if (!isAbort(error)) throw error;
      });
  }

  /** Takes a runner without a job out of GitHub's hands and has its listener ended. A job that runs is left alone. */
  private async withdraw(
    runner: RegisteredRunner,
    holder: LeaseHolder,
    why: "missing" | "offline" | "Digdag",
  ): Promise<void> {
    if (this.draining || !this.watch.isWatching(runner)) return;
    const { log, metrics } = this.parts;
    const first = this.registrar.runner?.id === runner.id;
    if ((await this.registrar.delete(runner, holder.gone)) === "busy") return;
    const reason = {
      missing: "GitHub does not know the runner any more",
      offline: "GitHub lists the runner as offline although its listener runs",
      Digdag: "Digdag cannot be used, so the runner must take no job",
    }[why];
    if (first) {
      log.warn(
        { runnerId: runner.id, runnerName: runner.name, why },
        `the idle runner is replaced: ${reason}`,
      );
      metrics.listenersRetired.inc({ reason: why });
    }
    // Again and again while the listener lives: the first may have come before there was one.
    holder.send({ type: "retire", runnerId: runner.id, reason });
  }

  private async drain(holder: LeaseHolder): Promise<void> {
    const { runner } = this.registrar;
    if (!runner) return holder.send({ type: "drained", outcome: "none" });
    const outcome = await this.registrar.delete(runner, holder.gone);
    this.parts.log.info({ runnerId: runner.id, runnerName: runner.name, outcome }, "draining");
    holder.send({ type: "drained", outcome });
  }

  /** Enqueues what is asked for again and again, unless it waits already. */
  private enqueueOnce(name: string, task: () => Promise<void>): void {
    if (this.waiting.has(name)) return;
    this.waiting.add(name);
    this.enqueue(() => {
      this.waiting.delete(name);
      return task();
    });
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
