import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../local/github/types";
import type { Pool } from "./pool";
import type { Random } from "./random";

const lookMilliseconds = 150;
/** Jobs that wait while others run: a runner that is free always finds one. */
const queuedAhead = 2;
/** No case needs more. */
const mostJobs = 80;

/** Jobs that keep coming for one pool, and what became of them. */
export class JobFlow {
  /** Jobs that misbehave and so may fail or be cancelled. */
  readonly mayFail = new Set<number>();
  /** Names of the registrations whose listener the fault destroyed: what ran there may have failed. */
  readonly destroyedRunners = new Set<string>();
  private known: Job[] = [];
  private firstId: number | undefined;
  private flowing = false;
  private stopped = false;
  private watching: Promise<void> | undefined;
  /** Why the watch ended before its time. */
  private failure: Error | undefined;

  constructor(
    private readonly pool: Pool,
    private readonly random: Random,
  ) {}

  /** Every job of this flow, as GitHub showed it last. */
  get jobs(): readonly Job[] {
    return this.known;
  }

  /** From now on jobs wait. The first one runs for `firstSeconds`, those after it for 1 to 3. */
  async start(firstSeconds?: number): Promise<void> {
    if (this.flowing) return;
    if (firstSeconds !== undefined) await this.add(firstSeconds);
    this.flowing = true;
    // Not awaited: a fault may have silenced GitHub, and is to end all the same.
    this.watching ??= this.watch().catch((error: Error) => {
      this.failure = error;
    });
  }

  /** A job with steps of its own, which may fail. */
  async addOdd(...steps: string[]): Promise<Job> {
    const job = await this.pool.queue(steps);
    this.firstId ??= job.id;
    this.mayFail.add(job.id);
    return job;
  }

  /** No job is added any more. */
  stop(): void {
    this.flowing = false;
  }

  /** Ends the watch; to be called once, in the end. */
  async close(): Promise<void> {
    this.stopped = true;
    await this.watching;
  }

  /** Waits for a job that is as asked. @throws Error naming `what` after `seconds` */
  async until(what: string, seconds: number, wanted: (job: Job) => boolean | undefined): Promise<Job> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      if (this.failure) throw this.failure;
      const found = this.known.find(wanted);
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`no job ${what} within ${seconds} s`);
      await sleep(lookMilliseconds / 3);
    }
  }

  /** Asks GitHub now. */
  async look(): Promise<readonly Job[]> {
    if (this.firstId !== undefined) this.known = await this.pool.jobs(this.firstId);
    if (this.flowing && this.known.length < mostJobs) {
      const queued = this.known.filter(({ status }) => status === "queued").length;
      for (let missing = queuedAhead - queued; missing > 0; missing--) await this.add();
    }
    return this.known;
  }

  private async add(seconds = this.random.between(1, 3)): Promise<void> {
    const { id } = await this.pool.queue([`echo begun; sleep ${seconds.toFixed(1)}; echo done`]);
    this.firstId ??= id;
  }

  private async watch(): Promise<void> {
    while (!this.stopped) {
      await this.look();
      await sleep(lookMilliseconds);
    }
  }
}

/** Whether a step of the job has printed its first line. */
export function hasBegun({ status, log }: Job): boolean {
  return status === "in_progress" && /^begun$/m.test(log);
}
