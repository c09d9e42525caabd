import { join } from "node:path";
import type { Job } from "../../local/github/types";
import { stateDir } from "../../local/lib/paths";
import { table } from "../../local/lib/table";
import { quantile, slope, sparkline } from "./statistics";

export const soakFile = join(stateDir, "soak.json");

/** The programs of a runner Pod whose memory is watched. */
export const programs = ["broker", "supervisor"] as const;

/** Resident memory of one program of one Pod at one moment. */
export interface MemorySample {
  program: (typeof programs)[number];
  /** Number of the look, the same for all Pods. */
  look: number;
  /** Jobs that this Pod had run. */
  jobs: number;
  bytes: number;
}

/** Resident memory of one program over a soak: the mean over all Pods at each look, in MiB. */
export interface MemoryCourse {
  start: number;
  quartiles: [number, number, number];
  end: number;
  /** Growth for each 100 jobs of a Pod, by least squares: over the whole soak, and over its second half. */
  per100Jobs: number;
  per100JobsLater: number;
  course: number[];
}

/** What `.local/soak.json` holds. */
export interface SoakReport {
  /** Jobs that were to run. */
  jobs: number;
  runners: number;
  seconds: number;
  jobsPerMinute: number;
  /** Jobs that did not succeed in time. */
  lost: number;
  /** Registrations that no living Pod uses, after a sweep. */
  ghosts: number;
  /** What keeps the pool from being as before, a minute after the last job. */
  note?: string;
  /** From a job's end to the next job on the same Pod, while jobs wait: the time without a runner online. */
  secondsToNextJob: { median: number; p95: number; longest: number };
  /** The brokers' own measure of it, as a mean; null where they saw no runner online between two jobs. */
  meanJobEndToOnline: number | null;
  /** MiB. */
  memory: Record<(typeof programs)[number], MemoryCourse>;
  /** By route and status, as the brokers counted them; the sum is under `all`. */
  apiCallsPerJob: Record<string, number>;
}

/** To two decimals. */
export const rounded = (value: number): number => Number(value.toFixed(2));

const mebibytes = (bytes: number) => bytes / 1024 ** 2;
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How one program's memory went. */
export function courseOf(program: MemorySample["program"], samples: readonly MemorySample[]): MemoryCourse {
  const own = samples.filter((sample) => sample.program === program);
  const looks = [...new Set(own.map(({ look }) => look))].sort((a, b) => a - b);
  const course = looks.map((wanted) =>
    rounded(mean(own.filter(({ look }) => look === wanted).map(({ bytes }) => mebibytes(bytes)))),
  );
  const sorted = [...course].sort((a, b) => a - b);
  const [q1 = Number.NaN, q2 = Number.NaN, q3 = Number.NaN] = [0.25, 0.5, 0.75].map((share) =>
    rounded(quantile(sorted, share)),
  );
  const growth = (of: MemorySample[]) =>
    rounded(100 * slope(of.map(({ jobs, bytes }) => ({ x: jobs, y: mebibytes(bytes) }))));
  const middle = looks[Math.floor(looks.length / 2)] ?? 0;
  return {
    start: course[0] ?? Number.NaN,
    quartiles: [q1, q2, q3],
    end: course.at(-1) ?? Number.NaN,
    per100Jobs: growth(own),
    per100JobsLater: growth(own.filter(({ look }) => look >= middle)),
    course,
  };
}

/** The times between two jobs of the same Pod, in seconds. */
export function gapsBetween(jobs: readonly Job[]): SoakReport["secondsToNextJob"] {
  const podOf = ({ runnerName }: Job) => runnerName?.split(".")[1];
  const ran = jobs.filter(({ completedAt }) => completedAt !== undefined);
  const seconds = [...new Set(ran.map(podOf))]
    .flatMap((pod) => {
      const own = ran
        .filter((job) => podOf(job) === pod)
        .map(({ startedAt = "", completedAt = "" }) => [Date.parse(startedAt), Date.parse(completedAt)])
        .sort(([a = 0], [b = 0]) => a - b);
      return own.slice(1).map(([started = 0], index) => (started - (own[index]?.[1] ?? 0)) / 1000);
    })
    .sort((a, b) => a - b);
  return {
    median: rounded(quantile(seconds, 0.5)),
    p95: rounded(quantile(seconds, 0.95)),
    longest: rounded(seconds.at(-1) ?? Number.NaN),
  };
}

/** Whether no job was lost, nothing is left and every runner is back. */
export function soakPassed({ lost, ghosts, jobs, note }: SoakReport): boolean {
  return jobs > 0 && lost === 0 && ghosts === 0 && note === undefined;
}

/** The report for a person. */
export function tellSoak(report: SoakReport): string {
  const { secondsToNextJob: gaps, note } = report;
  const rows = programs.map((program) => {
    const { start, quartiles, end, per100Jobs, per100JobsLater, course } = report.memory[program];
    const [q1, median, q3] = quartiles;
    return {
      "RSS, MiB": program,
      start,
      q1,
      median,
      q3,
      end,
      "per 100 jobs": per100Jobs,
      "in the second half": per100JobsLater,
      course: sparkline(course),
    };
  });
  const calls = Object.entries(report.apiCallsPerJob).map(([route, count]) => ({
    "API calls": route,
    "per job": count,
  }));
  return [
    `${report.jobs} jobs on ${report.runners} runners in ${(report.seconds / 60).toFixed(1)} minutes, ${report.jobsPerMinute} each minute`,
    `${report.lost} jobs lost, ${report.ghosts} ghosts${note ? `, ${note}` : ""} (${soakFile})`,
    `from a job's end to the next job on the same runner: median ${gaps.median} s, 95 % within ${gaps.p95} s, longest ${gaps.longest} s`,
    `the brokers saw the next runner online ${report.meanJobEndToOnline ?? "-"} s after a listener's end, on average`,
    "",
    ...table(rows),
    "",
    ...table(calls),
  ].join("\n");
}
