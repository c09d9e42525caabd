import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Job, Runner } from "./github/types";
import { stateDir } from "./lib/paths";
import { lastLines } from "./lib/run";
import type { StepTime } from "./lib/steps";

/** What the Digdag stand-in serves for a project, asked from the server itself and not from the job. */
export interface Served {
  revision: string;
  archiveMd5: string;
  schedules: { workflow: string; nextRunTime: string }[];
}

/** Everything a run of `npm start` found out. */
export interface Story {
  project: string;
  job: Job;
  runner: Pick<Runner, "id" | "name" | "labels">;
  /** Before the job; undefined when the project was new. */
  before?: Served;
  /** After the job; undefined when the server still has no such project. */
  after?: Served;
  /** `type  name` of each resource of the stack. */
  resources: string[];
  steps: StepTime[];
}

/** What no machine can have; everything else that ran is the real thing. */
export const standIns = [
  "GitHub: REST API for runners, job queue and Git server",
  "Runner.Listener and Runner.Worker: in the real tarball's layout, built from local/github/runner",
  "AWS: moto; the ALB is a proxy whose security group is enforced with iptables",
  "Digdag server: to the measured contract of 0.10.5.1, in TypeScript",
  "Pulumi provider plugins aws, kubernetes, docker, github: TypeScript over moto, the cluster and the Docker CLI",
  "Digdag CLI: an empty jar; base image: debootstrap instead of the pinned one",
];

/**
 * `pushed`: the server serves the job's commit, and did not before. `unchanged`: it served these bytes already.
 * `failed`: anything else.
 */
export type Verdict = "pushed" | "unchanged" | "failed";

export function verdictOf({ job, before, after }: Pick<Story, "job" | "before" | "after">): Verdict {
  if (job.conclusion !== "success" || !after) return "failed";
  if (after.revision === job.sha && before?.revision !== job.sha) return "pushed";
  return after.archiveMd5 === before?.archiveMd5 ? "unchanged" : "failed";
}

/** The machine-readable form, written to `.local/report.json`. */
export function report(story: Story) {
  const { project, job, runner, after, steps } = story;
  return {
    verdict: verdictOf(story),
    project,
    revision: job.sha,
    served: after && { revision: after.revision, archiveMd5: after.archiveMd5 },
    runner: { id: runner.id, name: runner.name, labels: runner.labels.map((label) => label.name) },
    steps,
    standIns,
  };
}

export function writeReport(story: Story): string {
  const file = join(stateDir, "report.json");
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(file, `${JSON.stringify(report(story), null, 2)}\n`);
  return file;
}

const indent = (lines: string[]) => lines.map((line) => `    ${line}`).join("\n");

/** The same for people. */
export function tell(story: Story): string {
  const { job, runner, before, after, resources, steps } = story;
  const schedules = after?.schedules.map((s) => `${s.workflow}: next run ${s.nextRunTime}`) ?? [];
  const slowest = [...steps]
    .sort((a, b) => b.seconds - a.seconds)
    .map((s) => `${s.seconds.toFixed(1)} s  ${s.name}`);
  return [
    "",
    `What \`pulumi up -s local\` made (${resources.length} resources):`,
    indent(resources),
    `Runner ${runner.name} (id ${runner.id}), labels ${runner.labels.map((label) => label.name).join(", ")}`,
    `Job ${job.id} ended with ${job.conclusion ?? job.status}; the end of its log:`,
    indent(lastLines(job.log, 12).split("\n")),
    `Digdag project ${story.project}: ${before?.revision ?? "(none)"} -> ${after?.revision ?? "(none)"}`,
    ...(schedules.length > 0 ? ["Schedules:", indent(schedules)] : []),
    "Seconds per step (many run side by side):",
    indent(slowest),
    "Stand-ins, because no machine can have the real thing; the rest is real:",
    indent(standIns),
    "",
  ].join("\n");
}
