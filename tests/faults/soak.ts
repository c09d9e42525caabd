import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../local/github/types";
import { quickBroker } from "./campaign";
import { succeeded } from "./fault";
import { samplesOf } from "./metrics";
import { Pool, podOf } from "./pool";
import { PoolDigdag } from "./poolDigdag";
import { findProcess, residentMemory } from "./processes";
import {
  courseOf,
  gapsBetween,
  type MemorySample,
  programs,
  rounded,
  type SoakReport,
  soakFile,
} from "./soakReport";

const runners = 4;
const queuedAhead = 2 * runners;
const lookMilliseconds = 500;
const sampleMilliseconds = 5000;
/** A short job takes a runner about two seconds on an idle machine; what takes ten is stuck. */
const secondsPerJob = 10;

/** Runs so many short jobs on one pool of four runners and writes what it measured. */
export async function soak(wanted: number, say: (line: string) => void): Promise<SoakReport> {
  const digdag = await PoolDigdag.start();
  const pool = await Pool.create({
    campaign: "faults",
    environment: "soak",
    digdagEndpoint: digdag.url,
    replicas: runners,
    brokerVariables: quickBroker,
  });
  await pool.settled(180);
  say(`${runners} runners are online; ${wanted} jobs`);
  const began = Date.now();
  const { jobs, samples } = await runJobs(wanted, pool, digdag, say);
  const seconds = (Date.now() - began) / 1000;
  const apiCallsPerJob = await countApiCalls(pool, jobs.length);
  const note = await pool.settled(60).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const report: SoakReport = {
    jobs: wanted,
    runners,
    seconds: Math.round(seconds),
    jobsPerMinute: rounded((jobs.length * 60) / seconds),
    lost: wanted - jobs.filter(succeeded).length,
    ghosts: (await pool.strays()).length,
    ...(note && { note }),
    secondsToNextJob: gapsBetween(jobs),
    meanJobEndToOnline: await meanJobEndToOnline(pool),
    memory: { broker: courseOf("broker", samples), supervisor: courseOf("supervisor", samples) },
    apiCallsPerJob,
  };
  writeFileSync(soakFile, `${JSON.stringify(report, null, 2)}\n`);
  await pool.destroy();
  await digdag.close();
  return report;
}

/** Keeps jobs waiting until as many as wanted have ended, or the time for them is over. */
async function runJobs(
  wanted: number,
  pool: Pool,
  digdag: PoolDigdag,
  say: (line: string) => void,
): Promise<{ jobs: Job[]; samples: MemorySample[] }> {
  const ended = new Map<number, Job>();
  const open: number[] = [];
  const samples: MemorySample[] = [];
  const deadline = Date.now() + (120 + wanted * secondsPerJob) * 1000;
  let [queued, sampled, told] = [0, 0, 0];
  while (ended.size < wanted && Date.now() < deadline) {
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
      samples.push(...(await sampleMemory(pool, [...ended.values()], samples.at(-1))));
      digdag.forget();
    }
    if (Date.now() - told > 30_000) {
      told = Date.now();
      say(`… ${ended.size} of ${wanted} jobs have ended`);
    }
    await sleep(lookMilliseconds);
  }
  samples.push(...(await sampleMemory(pool, [...ended.values()], samples.at(-1))));
  return { jobs: [...ended.values()], samples };
}

async function sampleMemory(pool: Pool, ended: Job[], before?: MemorySample): Promise<MemorySample[]> {
  const look = (before?.look ?? 0) + 1;
  return (await pool.pods()).flatMap((pod) => {
    const jobs = ended.filter(({ runnerName }) => podOf([pod], runnerName ?? "")).length;
    return programs.flatMap((program) => {
      const found = findProcess(pod, program);
      const bytes = found && residentMemory(found);
      return bytes === undefined ? [] : [{ program, look, jobs, bytes }];
    });
  });
}

async function meanJobEndToOnline(pool: Pool): Promise<number | null> {
  const total = async (what: "sum" | "count") =>
    (await samplesOf(pool, `digdag_runner_job_end_to_online_seconds_${what}`)).reduce(
      (sum, { value }) => sum + value,
      0,
    );
  const count = await total("count");
  return count === 0 ? null : rounded((await total("sum")) / count);
}

/** Calls to GitHub since the brokers' start. */
async function countApiCalls(pool: Pool, jobs: number): Promise<Record<string, number>> {
  const calls = new Map<string, number>([["all", 0]]);
  for (const { labels, value } of await samplesOf(pool, "digdag_runner_github_requests_total")) {
    const route = `${labels.route?.replace("/repos/{owner}/{repo}/actions", "…")} ${labels.status}`;
    for (const key of ["all", route]) calls.set(key, (calls.get(key) ?? 0) + value);
  }
  return Object.fromEntries([...calls].map(([route, count]) => [route, rounded(count / jobs)]));
}
