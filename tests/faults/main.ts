/** The command line of the fault campaign; see `usage`. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withLock } from "../../local/engine/lock";
import { withTypeScript } from "../../local/lib/typescript";
import { type CampaignOptions, runCampaign } from "./campaign";
import { cleanUp } from "./cleanUp";
import { requireLocalNode } from "./cluster";
import { openNode } from "./node";
import type { Campaign } from "./poolObjects";
import { allPassed, makeReport, reportFile, tellCase, tellReport, writeReport } from "./report";
import { soak } from "./soak";
import { soakFile, soakPassed, tellSoak } from "./soakReport";
import { theftCommand } from "./theft/command";

const usage = `usage: npm run faults -- [--only REGEX] [--times N] [--seed N] [--pools N] [--json]
       npm run faults -- --soak JOBS [--json]
       npm run faults -- --theft [--only REGEX] [--pools N] [--json]

Breaks runners on the local system (\`npm start\` first) in every way of tests/faults/catalogue, with jobs flowing, and says
what became of the jobs. Exit code 1 when a case failed, a job was lost or a ghost is left.

  --only REGEX   only faults whose name matches
  --times N      cases of each fault, at moments drawn at random (default 3)
  --seed N       the seed of everything random; the same seed gives the same cases in the same order
  --pools N      pools of runners that are broken side by side (default 4)
  --soak JOBS    instead of faults: so many short jobs on one pool of 4 runners; memory, calls and times are measured
  --theft        instead of faults: jobs that try to steal, from the product's Pods and from weakened ones
  --json         print the report as JSON in the end, instead of a table

A job is lost when it neither succeeded nor was reported as cancelled or failed for reasons of its own. Where a fault destroys the
very process that runs a job, GitHub's report of the failure is the honest end of that one job; every other job must succeed.
A ghost is a registration that is left although it was old enough for a sweep, and a sweep has had time to come.
Recovery is the time from the fault's end, or from its beginning where it ends by itself, until the first job that began after
it has succeeded. A case has 180 s for that, for every job to end and for every Pod to be as before.
The reports are ${reportFile} and ${soakFile}; what was seen at each failed case is in .local/logs/faults/.`;

class UsageError extends Error {}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1)
    throw new UsageError(`--${name} ${text}: a whole number greater than 0 is allowed`);
  return Number(text);
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, "i");
  } catch (error) {
    throw new UsageError(`--only ${text}: ${(error as Error).message}`);
  }
}

/** Nothing of the campaign may go on while its traces are removed: another process does that while this one waits. */
function cleanUpWhenInterrupted(campaign: Campaign): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      console.error(`\n${signal}: removing what the campaign made`);
      const program = [...withTypeScript, join(__dirname, "cleanUp.ts"), campaign];
      spawnSync(process.execPath, program, { stdio: "inherit", timeout: 300_000 });
      process.exit(130);
    });
  }
}

/** What a run tells in the end. */
interface Outcome {
  report: object;
  text: string;
  passed: boolean;
}

async function campaign(options: Omit<CampaignOptions, "onResult">): Promise<Outcome> {
  const { seed, say } = options;
  say(`seed ${seed}`);
  const began = Date.now();
  const results = await runCampaign({ ...options, onResult: (...result) => say(tellCase(...result)) });
  const report = makeReport(seed, (Date.now() - began) / 1000, results);
  writeReport(report);
  return { report, text: tellReport(report), passed: allPassed(report) };
}

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      times: { type: "string", default: "3" },
      seed: { type: "string" },
      pools: { type: "string", default: "4" },
      soak: { type: "string" },
      theft: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const say = (line: string) => (values.json ? console.error(line) : console.log(line));
  const options = {
    times: wholeNumber("times", values.times),
    pools: wholeNumber("pools", values.pools),
    seed: values.seed ? wholeNumber("seed", values.seed) : Math.floor(Math.random() * 1_000_000) + 1,
    ...(values.only && { only: regularExpression(values.only) }),
    say,
  };
  const jobs = values.soak && wholeNumber("soak", values.soak);
  requireLocalNode();
  const waiting = () => say("another fault campaign runs on this machine; waiting for its end");
  if (values.theft) {
    const { only, pools } = options;
    return withLock("fault-campaign", waiting, () => {
      cleanUpWhenInterrupted("theft");
      return theftCommand({ ...(only && { only }), pools, json: values.json, report: say });
    });
  }
  const run = async (): Promise<Outcome> => {
    if (!jobs) return campaign(options);
    const report = await soak(jobs, say);
    return { report, text: tellSoak(report), passed: soakPassed(report) };
  };
  return withLock("fault-campaign", waiting, async () => {
    cleanUpWhenInterrupted("faults");
    const left = await cleanUp("faults");
    if (left.length > 0) say(`removed what an earlier run left: ${left.join(", ")}`);
    await openNode();
    const { report, text, passed } = await run().finally(() => cleanUp("faults"));
    console.log(values.json ? JSON.stringify(report) : `\n${text}`);
    return passed ? 0 : 1;
  });
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: Error & { code?: string }) => {
    const misused = error instanceof UsageError || error.code?.startsWith("ERR_PARSE_ARGS");
    console.error(misused ? `${error.message}\n\n${usage}` : error.message);
    process.exit(misused ? 2 : 1);
  },
);
