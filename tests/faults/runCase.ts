import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../local/github/types";
import { saveDiagnosis } from "./diagnosis";
import { type Fault, type Moment, type Scene, succeeded } from "./fault";
import { JobFlow } from "./jobFlow";
import { reach } from "./moments";
import { otherImage } from "./otherImage";
import { type Pool, podOf } from "./pool";
import type { PoolDigdag } from "./poolDigdag";
import { Random } from "./random";

/** From the fault's end until everything must be as before. */
const recoverySeconds = 180;
/** How much longer a registration may be left: it must be old enough for the sweep, and then the sweep must come. */
export const sweepSettings = { GHOST_SECONDS: "20", SWEEP_SECONDS: "5" };
const ghostSeconds = Number(sweepSettings.GHOST_SECONDS) + Number(sweepSettings.SWEEP_SECONDS) + 10;

/** One fault at one moment, with the seed of everything random in it. */
export interface PlannedCase {
  fault: Fault;
  moment: Moment;
  seed: number;
}

/** What became of it. */
export interface CaseResult {
  fault: string;
  moment: Moment;
  pool: string;
  /** Jobs that were queued. */
  jobs: number;
  /** Neither succeeded nor ended for a reason of their own. */
  lost: number;
  /** Registrations left after one sweep. */
  ghosts: number;
  /** Null when it did not recover. */
  recoverySeconds: number | null;
  passed: boolean;
  ended: { success: number; failure: number; cancelled: number };
  /** How long the whole case took. */
  seconds: number;
  /** What is wrong, where it did not pass. */
  note?: string;
}

/** A pool, with what only it has. */
export interface Place {
  pool: Pool;
  digdag: PoolDigdag | undefined;
}

/** Runs one case on a pool and leaves the pool healthy. Never throws for what the product did; only when the pool cannot be had. */
export async function runCase({ fault, moment, seed }: PlannedCase, place: Place): Promise<CaseResult> {
  const { pool, digdag } = place;
  const began = Date.now();
  const random = new Random(seed);
  const flow = new JobFlow(pool, random);
  const problems: string[] = [];
  const attempt = (work: Promise<void>) => work.catch((error: Error) => void problems.push(error.message));
  let recovery: number | undefined;
  await prepare(pool, fault.replicas ?? 1);
  digdag?.forget();
  await attempt(
    (async () => {
      const stage = { pool, digdag, flow, random, otherImage };
      const scene: Scene = { ...stage, victim: await reach(moment, stage) };
      const struck = await strike(fault, scene);
      const deadline = struck.endedAt + recoverySeconds * 1000;
      problems.push(...struck.problems);
      recovery = await recovered(flow, struck.endedAt, deadline);
      await waitFor(deadline, () => pool.unsettledPods());
      flow.stop();
      await waitFor(deadline, async () => unfinished(await flow.look()));
    })(),
  );
  flow.stop();
  if (!(await pool.faultsStruck())) problems.push(neverStruck);
  await pool.clearFaults();
  digdag?.clearFaults();
  if (problems.length === 0) {
    await attempt(waitFor(Date.now() + ghostSeconds * 1000, () => pool.unsettled()));
  }
  const ghosts = problems.length > 0 ? await ghostsOf(pool) : 0;
  await flow.close();
  const jobs = await flow.look();
  const lost = jobs.filter((job) => isLost(job, flow.mayFail));
  problems.push(...lost.map(explainLost));
  const result: CaseResult = {
    fault: fault.name,
    moment,
    pool: pool.environment,
    jobs: jobs.length,
    lost: lost.length,
    ghosts,
    recoverySeconds: recovery === undefined ? null : Number(recovery.toFixed(1)),
    passed: problems.length === 0,
    ended: count(jobs),
    seconds: Math.round((Date.now() - began) / 1000),
    ...(problems.length > 0 && { note: problems.join("; ") }),
  };
  if (!result.passed) {
    await saveDiagnosis(result, pool);
    await pool.reset();
  }
  return result;
}

/** A healthy pool of this size, whose kubelet holds no restart against it. @throws Error when there is none */
async function prepare(pool: Pool, replicas: number): Promise<void> {
  if (pool.replicas !== replicas) await pool.deploy({ replicas });
  await pool.freshPods();
  try {
    await pool.settled(60);
  } catch {
    await pool.reset();
    await pool.settled(120);
  }
}

const neverStruck = "the fault hit nothing, so this case shows nothing";
/** A pool in which jobs flow calls GitHub and Digdag every few seconds. */
const strikeSeconds = 60;

/** Begins the fault, waits, and ends it, whatever happens in between. */
async function strike(fault: Fault, scene: Scene): Promise<{ endedAt: number; problems: string[] }> {
  const { flow, random } = scene;
  const problems: string[] = [];
  await allowSacrifices(fault, scene);
  const beganAt = Date.now();
  const course = await fault.begin(scene);
  try {
    await allowSacrifices(fault, scene);
    if (!course || course.struck || fault.lasts) await flow.start();
    if (course?.struck && !(await within(strikeSeconds, course.struck))) problems.push(neverStruck);
    if (fault.lasts) await sleep(random.between(...fault.lasts) * 1000);
  } finally {
    await course?.end().catch((error: Error) => problems.push(error.message));
    await flow.start();
  }
  return { endedAt: course ? Date.now() : beganAt, problems };
}

/** Lets the jobs fail that run in the process which the fault destroys, and no other. */
async function allowSacrifices({ destroysJob, hits }: Fault, { flow, victim }: Scene): Promise<void> {
  if (!destroysJob) return;
  for (const { id, status, runnerName = "" } of await flow.look()) {
    if (status === "in_progress" && (hits === "node" || podOf([victim], runnerName))) flow.mayFail.add(id);
  }
}

async function within(seconds: number, holds: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}

/** Seconds until the first job that started afterwards had succeeded. */
async function recovered(flow: JobFlow, since: number, deadline: number): Promise<number> {
  const from = new Date(since).toISOString();
  const isProof = (job: Job) => succeeded(job) && (job.startedAt ?? "") >= from;
  const seconds = (deadline - Date.now()) / 1000;
  const { completedAt } = await flow.until("that began after the fault has succeeded", seconds, isProof);
  return (Date.parse(completedAt as string) - since) / 1000;
}

/** Registrations that are left although a sweep has had time to come. */
async function ghostsOf(pool: Pool): Promise<number> {
  const deadline = Date.now() + ghostSeconds * 1000;
  for (;;) {
    const strays = await pool.strays();
    if (strays.length === 0 || Date.now() > deadline) return strays.length;
    await sleep(500);
  }
}

async function waitFor(deadline: number, missing: () => Promise<string | undefined>): Promise<void> {
  for (;;) {
    const what = await missing();
    if (what === undefined) return;
    if (Date.now() > deadline) throw new Error(`in the end still ${what}`);
    await sleep(300);
  }
}

function unfinished(jobs: readonly Job[]): string | undefined {
  const left = jobs.filter(({ status }) => status !== "completed");
  return left.length === 0 ? undefined : `${left.length} jobs that have not ended`;
}

/** Whether the promise "no job is lost" was broken for this job. */
export function isLost(job: Job, mayFail: ReadonlySet<number>): boolean {
  return job.status !== "completed" || (!succeeded(job) && !mayFail.has(job.id));
}

function explainLost({ id, status, conclusion, log }: Job): string {
  const said = lastWords(log);
  return `job ${id} ${status === "completed" ? `ended in ${conclusion} (${said})` : `is still ${status}`}`;
}

/** The end of a job's log, in one line. */
export function lastWords(log: string): string {
  return log.trimEnd().slice(-160).replaceAll(/\s+/g, " ");
}

function count(jobs: readonly Job[]): CaseResult["ended"] {
  const of = (wanted: Job["conclusion"]) => jobs.filter(({ conclusion }) => conclusion === wanted).length;
  return { success: of("success"), failure: of("failure"), cancelled: of("cancelled") };
}
