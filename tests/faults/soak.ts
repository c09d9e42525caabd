import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../local/github/types";
import { stateDir } from "../../local/lib/paths";
import { table } from "../../local/lib/table";
import { quickBroker } from "./campaign";
import { succeeded } from "./fault";
import { samplesOf } from "./metrics";
import { Pool, podOf } from "./pool";
import { PoolDigdag } from "./poolDigdag";
import { findProcess, residentMemory } from "./processes";
import { quantile, slope, sparkline } from "./statistics";

const runners = 4;
const queuedAhead = 2 * runners;
const lookMilliseconds = 500;
const sampleMilliseconds = 5000;
/** A short job takes two runners' seconds on an idle machine; ten mean that something is stuck. */
const secondsPerJob = 10;
const programs = ["broker", "supervisor"] as const;

/** Resident memory of one program over a soak: the mean over all Pods at each sample, in MiB. */
export interface MemoryCourse {
  start: number;
  quartiles: [number, number, number];
  end: number;
  /** Growth for each 100 jobs of a Pod, by least squares. */
  per100Jobs: number;
  course: number[];
}

/** What `.local/soak.json` holds. */
export interface SoakReport {
  jobs: number;
  runners: number;
  seconds: number;
  jobsPerMinute: number;
  /** Jobs that did not succeed. */
  lost: number;
  /** Registrations that no living Pod uses, after a sweep. */
  ghosts: number;
  /** From a job's end to the next job on the same Pod, while jobs wait: the time without a runner online. */
  secondsToNextJob: { median: number; p95: number; longest: number };
  /** The brokers' own measure of it, as a mean; NaN becomes null in JSON where they saw no runner online between two jobs. */
  meanJobEndToOnline: number;
  /** MiB. */
  memory: Record<(typeof programs)[number], MemoryCourse>;
  /** By route, as the brokers counted them; the sum is under `all`. */
  apiCallsPerJob: Record<string, number>;
}

export const soakFile = join(stateDir, "soak.json");

interface MemorySample {
  program: (typeof programs)[number];
  /** Jobs that this Pod had run. */
  jobs: number;
  bytes: number;
  round: number;
}

/** Runs so many short jobs on one pool of four runners. @throws Error when they do not end in time */
export async function soak(wanted: number, say: (line: string) => void): Promise<SoakReport> {
  const digdag = await PoolDigdag.start();
  const pool = await Pool.create({
    environment: "soak",
    digdagEndpoint: digdag.url,
    replicas: runners,
    brokerVariables: quickBroker,
  });
  await pool.settled(180);
  say(`${runners} runners are online; ${wanted} jobs`);
  const samples: MemorySample[] = [];
  const began = Date.now();
  const jobs = await runJobs(pool, wanted, samples, say, digdag);
  const seconds = (Date.now() - began) / 1000;
  const apiCalls = await countApiCalls(pool);
  const unsettled = await pool.settled(60).catch((error: Error) => say(error.message));
  const report: SoakReport = {
    jobs: jobs.length,
    runners,
    seconds: Math.round(seconds),
    jobsPerMinute: round((jobs.length * 60) / seconds),
    lost: jobs.filter((job) => !succeeded(job)).length,
    ghosts: unsettled === undefined ? (await pool.strays()).length : 0,
    secondsToNextJob: gaps(jobs),
    meanJobEndToOnline: await meanJobEndToOnline(pool),
    memory: { broker: courseOf("broker", samples), supervisor: courseOf("supervisor", samples) },
    apiCallsPerJob: Object.fromEntries(
      Object.entries(apiCalls).map(([route, calls]) => [route, round(calls / jobs.length)]),
    ),
  };
  writeFileSync(soakFile, `${JSON.stringify(report, null, 2)}\n`);
  await pool.destroy();
  await digdag.close();
  return report;
}

async function runJobs(
  pool: Pool,
  wanted: number,
  samples: MemorySample[],
  say: (line: string) => void,
  digdag: PoolDigdag,
): Promise<Job[]> {
  const ended = new Map<number, Job>();
  const open: number[] = [];
  const deadline = Date.now() + (120 + wanted * secondsPerJob) * 1000;
  let [queued, sampled, told, round] = [0, 0, 0, 0];
  while (ended.size < wanted) {
    if (Date.now() > deadline)
      throw new Error(`${wanted - ended.size} of ${wanted} jobs did not end in time`);
    for (; queued < wanted && open.length < runners + queuedAhead; queued++) {
      open.push((await pool.queue(["echo begun; sleep 0.2; echo done"])).id);
    }
    for (const job of await pool.jobs(open[0])) {
      if (job.status !== "completed" || ended.has(job.id)) continue;
      ended.set(job.id, job);
      open.splice(open.indexOf(job.id), 1);
    }
    if (Date.now() - sampled > sampleMilliseconds) {
      sampled = Date.now();
      samples.push(...(await sampleMemory(pool, [...ended.values()], round++)));
      digdag.forget();
    }
    if (Date.now() - told > 30_000) {
      told = Date.now();
      say(`… ${ended.size} of ${wanted} jobs have ended`);
    }
    await sleep(lookMilliseconds);
  }
  samples.push(...(await sampleMemory(pool, [...ended.values()], round)));
  return [...ended.values()];
}

async function sampleMemory(pool: Pool, ended: Job[], round: number): Promise<MemorySample[]> {
  const pods = await pool.pods();
  return pods.flatMap((pod) => {
    const jobs = ended.filter(({ runnerName }) => podOf([pod], runnerName ?? "")).length;
    return programs.flatMap((program) => {
      const found = findProcess(pod, program);
      const bytes = found && residentMemory(found);
      return bytes === undefined ? [] : [{ program, jobs, bytes, round }];
    });
  });
}

const mebibytes = (bytes: number) => bytes / 1024 ** 2;
const round = (value: number) => Number(value.toFixed(2));

function courseOf(program: MemorySample["program"], samples: MemorySample[]): MemoryCourse {
  const own = samples.filter((sample) => sample.program === program);
  const rounds = [...new Set(own.map(({ round }) => round))].sort((a, b) => a - b);
  const course = rounds.map((wanted) => {
    const values = own.filter(({ round }) => round === wanted).map(({ bytes }) => mebibytes(bytes));
    return round(values.reduce((sum, value) => sum + value, 0) / values.length);
  });
  const sorted = [...course].sort((a, b) => a - b);
  const [q1, q2, q3] = [0.25, 0.5, 0.75].map((share) => round(quantile(sorted, share)));
  return {
    start: course[0] ?? Number.NaN,
    quartiles: [q1 as number, q2 as number, q3 as number],
    end: course.at(-1) ?? Number.NaN,
    per100Jobs: round(100 * slope(own.map(({ jobs, bytes }) => ({ x: jobs, y: mebibytes(bytes) })))),
    course,
  };
}

/** Time between two jobs of the same Pod. */
function gaps(jobs: Job[]): SoakReport["secondsToNextJob"] {
  const pods = [...new Set(jobs.map(({ runnerName }) => runnerName?.split(".")[1]))];
  const seconds = pods
    .flatMap((pod) => {
      const own = jobs
        .filter(({ runnerName }) => runnerName?.split(".")[1] === pod)
        .sort((a, b) => (a.startedAt ?? "").localeCompare(b.startedAt ?? ""));
      return own
        .slice(1)
        .map((job, index) => Date.parse(job.startedAt ?? "") - Date.parse(own[index]?.completedAt ?? ""));
    })
    .map((milliseconds) => milliseconds / 1000)
    .sort((a, b) => a - b);
  return {
    median: round(quantile(seconds, 0.5)),
    p95: round(quantile(seconds, 0.95)),
    longest: round(seconds.at(-1) ?? Number.NaN),
  };
}

async function meanJobEndToOnline(pool: Pool): Promise<number> {
  const total = async (what: "sum" | "count") =>
    (await samplesOf(pool, `digdag_runner_job_end_to_online_seconds_${what}`)).reduce(
      (sum, { value }) => sum + value,
      0,
    );
  return round((await total("sum")) / (await total("count")));
}

/** Calls to GitHub since the brokers' start, by route; other answers than success apart. */
async function countApiCalls(pool: Pool): Promise<Record<string, number>> {
  const calls: Record<string, number> = { all: 0 };
  for (const { labels, value } of await samplesOf(pool, "digdag_runner_github_requests_total")) {
    const route = `${labels.route?.replace("/repos/{owner}/{repo}/actions", "…")} ${labels.status}`;
    calls[route] = (calls[route] ?? 0) + value;
    calls.all = (calls.all ?? 0) + value;
  }
  return calls;
}

/** Whether no job was lost and nothing is left. */
export function soakPassed({ lost, ghosts, jobs }: SoakReport): boolean {
  return jobs > 0 && lost === 0 && ghosts === 0;
}

/** The report for a person. */
export function tellSoak(report: SoakReport): string {
  const { jobs, seconds, jobsPerMinute, lost, ghosts, secondsToNextJob, memory, apiCallsPerJob } = report;
  const rows = programs.map((program) => {
    const { start, quartiles, end, per100Jobs, course } = memory[program];
    const [q1, median, q3] = quartiles;
    return {
      "RSS, MiB": program,
      start,
      q1,
      median,
      q3,
      end,
      "per 100 jobs": per100Jobs,
      course: sparkline(course),
    };
  });
  const calls = Object.entries(apiCallsPerJob).map(([route, count]) => ({
    "API calls": route,
    "per job": count,
  }));
  return [
    `${jobs} jobs on ${report.runners} runners in ${(seconds / 60).toFixed(1)} minutes, ${jobsPerMinute} each minute`,
    `${lost} jobs lost, ${ghosts} ghosts (${soakFile})`,
    `from a job's end to the next job on the same runner: median ${secondsToNextJob.median} s, 95 % within ${secondsToNextJob.p95} s, longest ${secondsToNextJob.longest} s`,
    `the brokers saw the next runner online ${report.meanJobEndToOnline} s after a listener's end, on average`,
    "",
    ...table(rows),
    "",
    ...table(calls),
  ].join("\n");
}
