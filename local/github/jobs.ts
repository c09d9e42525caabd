import type { Clock } from "./clock";
import type { JobMessage } from "./protocol";
import { type Registration, type RunnerRegistry, sameName } from "./registry";
import type { Job, JobSpec, Timings } from "./types";

type Conclusion = NonNullable<Job["conclusion"]>;

const lostContact =
  "##[error]The self-hosted runner lost communication with the server. Verify the machine is running and has a healthy network connection.\n";

/** Whether the runner's place and labels let it take the job. */
export function accepts(
  registration: Pick<Registration, "scope" | "labels">,
  job: Pick<JobSpec, "repository" | "labels">,
) {
  const owner = job.repository.split("/")[0] ?? "";
  const inScope = sameName(registration.scope, job.repository) || sameName(registration.scope, owner);
  return inScope && job.labels.every((label) => registration.labels.some((own) => sameName(own, label)));
}

/** First in, first out; a job goes to an idle runner that is polling at that moment. */
export class JobQueue {
  private readonly all = new Map<number, Job>();
  /** Monotonic time of the last sign of life of each running job, and whether its runner took it. */
  private readonly signs = new Map<number, { seen: number; acquired: boolean }>();
  private readonly watchdog: NodeJS.Timeout;

  /** @param serverUrl where runners reach the server */
  constructor(
    private readonly registry: RunnerRegistry,
    private readonly clock: Clock,
    private readonly timings: Timings,
    private readonly urls: { serverUrl: string; apiUrl: string },
  ) {
    this.watchdog = setInterval(
      () => this.failSilent(),
      Math.max(50, Math.min(timings.heartbeatGap, timings.acquire) / 10),
    );
    this.watchdog.unref();
  }

  close(): void {
    clearInterval(this.watchdog);
  }

  add(spec: JobSpec): Job {
    const id = this.all.size + 1;
    const job: Job = { ...spec, id, status: "queued", log: "", summary: "", createdAt: this.clock.iso() };
    this.all.set(id, job);
    this.dispatch();
    return { ...job };
  }

  list(): Job[] {
    return [...this.all.values()].map((job) => ({ ...job }));
  }

  find(id: number): Job | undefined {
    const job = this.all.get(id);
    return job && { ...job };
  }

  /** Gives queued jobs to polling runners. To be called whenever a job or a poll comes. */
  dispatch(): void {
    for (const job of this.all.values()) {
      if (job.status !== "queued") continue;
      const runner = this.registry
        .list()
        .find((each) => !each.used && each.session?.deliver !== undefined && accepts(each, job));
      if (runner) this.assign(job, runner);
    }
  }

  private assign(job: Job, runner: Registration): void {
    runner.used = true;
    runner.jobId = job.id;
    Object.assign(job, {
      status: "in_progress",
      runnerId: runner.id,
      runnerName: runner.name,
      startedAt: this.clock.iso(),
    });
    this.signs.set(job.id, { seen: performance.now(), acquired: false });
    const message: JobMessage = { ...job, ...this.urls, name: job.name ?? "job", type: "job" };
    runner.session?.deliver?.(message);
  }

  /** The runner lost the job it was given: its registration is used up, the job waits for another. */
  loseAssignment(runner: Registration): void {
    const job = this.running(runner);
    this.registry.remove(runner);
    if (job) this.requeue(job);
  }

  private requeue(job: Job): void {
    this.signs.delete(job.id);
    Object.assign(job, {
      status: "queued",
      runnerId: undefined,
      runnerName: undefined,
      startedAt: undefined,
    });
    this.dispatch();
  }

  /** Whether the job is this runner's; a yes takes it and counts as a sign of life. */
  renew(runner: Registration, id: number): boolean {
    if (this.running(runner)?.id !== id) return false;
    this.signs.set(id, { seen: performance.now(), acquired: true });
    return true;
  }

  append(id: number, field: "log" | "summary", text: string): void {
    const job = this.all.get(id);
    if (job) job[field] += text;
  }

  /** The runner reports the end of its job; its registration disappears with it. */
  finish(runner: Registration, conclusion: Conclusion): void {
    const job = this.running(runner);
    if (job) this.complete(job, conclusion);
    this.registry.remove(runner);
  }

  /** @returns undefined when there is no such job */
  cancel(id: number): Job | undefined {
    const job = this.all.get(id);
    if (job?.status === "queued") this.complete(job, "cancelled");
    if (job?.status === "in_progress") this.offerCancellation(job);
    return this.find(id);
  }

  private readonly cancelling = new Set<number>();

  private offerCancellation(job: Job): void {
    this.cancelling.add(job.id);
    const runner = this.registry.find(job.runnerId ?? -1);
    if (!runner?.session?.deliver) return;
    this.cancelling.delete(job.id);
    runner.session.deliver({ type: "cancel", id: job.id });
  }

  /** To be called when a busy runner polls: a cancellation may have come while it did not. */
  offerPendingCancellation(runner: Registration): void {
    const job = this.running(runner);
    if (job && this.cancelling.has(job.id)) this.offerCancellation(job);
  }

  /** An administrator removes a runner: its job, if any, is lost. */
  abandon(runner: Registration): void {
    const job = this.running(runner);
    if (job) this.fail(job);
    this.registry.remove(runner);
  }

  private running(runner: Registration): Job | undefined {
    return runner.jobId === undefined ? undefined : this.all.get(runner.jobId);
  }

  private failSilent(): void {
    for (const [id, { seen, acquired }] of this.signs) {
      const job = this.all.get(id);
      const patience = acquired ? this.timings.heartbeatGap : this.timings.acquire;
      if (!job || performance.now() - seen <= patience) continue;
      const runner = this.registry.find(job.runnerId ?? -1);
      // The used registration stays behind, offline, until somebody deletes it or the daily sweep comes.
      if (runner) runner.jobId = undefined;
      if (acquired) this.fail(job);
      else this.requeue(job);
    }
  }

  private fail(job: Job): void {
    job.log += lostContact;
    this.complete(job, "failure");
  }

  private complete(job: Job, conclusion: Conclusion): void {
    Object.assign(job, { status: "completed", conclusion, completedAt: this.clock.iso() });
    this.signs.delete(job.id);
    this.cancelling.delete(job.id);
  }
}
