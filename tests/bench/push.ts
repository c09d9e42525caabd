import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { findCommand } from "../../local/install";
import { root, stateDir } from "../../local/lib/paths";
import { run } from "../../local/lib/run";
import { withTypeScript } from "../../local/lib/typescript";
import { bundlePrograms } from "../../runner-image/bundle";
import { type Command, type Measured, measured, type Run, reportUsage, runOnce } from "./measure";
import { changeProject, makeProject } from "./pushProjects";
import { atMost, type Goal, print, shown, shownTiming } from "./report";

export const reportFile = join(stateDir, "bench-push.json");

export interface PushBenchOptions {
  /** Runs of each command, one after the other and in turns. */
  rounds: number;
  /** The Node.js that runs the command. The image's is newer than the one that most machines have. */
  node: string;
}

/** Projects by their number of workflows; the first is the one that the goals are about. */
const SIZES = [20, 500];
const MAX_MEGABYTES = 100;
/** Seconds of the official CLI's `push` of a small project: the fastest measured for 0.10.5.1, on Java 11 and an idle machine. */
const CLI_SECONDS = 2.1;

/** What is measured, in the order of the report. Anew for each run, because a revision can be pushed once only. */
type Cases = Record<string, (round: number) => Command>;

/** Measures, prints and writes the report. @returns whether every goal was reached */
export async function benchPush({ rounds, node }: PushBenchOptions): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), "digdag-push-bench-"));
  const server = await startStandIn();
  try {
    const [bundle] = await bundlePrograms({ programs: ["digdag-push"], outDirectory: scratch });
    const push = [node, ...launcherFlags(), ...reportUsage, bundle as string];
    const cases = {
      ...coldStarts(push),
      ...pushes(push, scratch, server.url),
      ...(await cliPushes(scratch, server.url)),
    };
    const results = await measureInTurns(cases, rounds, join(scratch, "usage.json"));
    const reached = goals(results);
    const version = (await run(node, ["--version"])).stdout.trim();
    const report = {
      at: new Date().toISOString(),
      node: version,
      rounds,
      loadAverage: loadavg()[0],
      results,
      goals: reached,
    };
    mkdirSync(dirname(reportFile), { recursive: true });
    writeFileSync(reportFile, `${JSON.stringify(report, undefined, 2)}\n`);
    print(Object.entries(results).map(row));
    print(reached.map((goal) => ({ ...goal, measured: shown(goal.measured) })));
    console.log(
      `Node.js ${version}; the machine's load was ${loadavg()[0]?.toFixed(1)}. Report: ${reportFile}`,
    );
    return reached.every((goal) => goal.reached);
  } finally {
    server.process.kill();
    rmSync(scratch, { recursive: true });
  }
}

/** The flags with which the image's launcher starts Node.js. @throws Error when it does not start it as expected */
function launcherFlags(): string[] {
  const launcher = readFileSync(join(root, "runner-image", "launchers", "digdag-push"), "utf8");
  const flags = /^exec \S+\/node ((?:--\S+ )*)\S+\.js /m.exec(launcher)?.[1];
  if (flags === undefined) throw new Error("runner-image/launchers/digdag-push starts no Node.js program");
  return flags.split(" ").filter(Boolean);
}

/** The Digdag stand-in as a process of its own, so that its work is not the command's. */
async function startStandIn(): Promise<{ url: string; process: ChildProcess }> {
  const standIn = [join(root, "local", "digdag", "main.ts"), "--port", "0"];
  const process_ = spawn(process.execPath, [...withTypeScript, ...standIn], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(process_.stdout), "line")) as [string];
  return { url: /http:\S+\d/.exec(line)?.[0] ?? "", process: process_ };
}

const command = ([program, ...args]: string[], env?: NodeJS.ProcessEnv): Command => ({
  program: program as string,
  args,
  env,
});

/** Node.js alone, and the command without anything to do. */
function coldStarts(push: string[]): Cases {
  const [node = ""] = push;
  return {
    "Node.js alone": () => command([node, ...reportUsage, "--eval", "0"]),
    "--version": () => command([...push, "--version"]),
    "--help": () => command([...push, "--help"]),
  };
}

/** For each size: of a project that is new, that is served already, and of which a workflow has changed. */
function pushes(push: string[], scratch: string, endpoint: string): Cases {
  const cases: Cases = {};
  for (const size of SIZES) {
    const directory = join(scratch, String(size));
    makeProject(directory, size);
    const deploy = (project: string, revision: string) =>
      command([...push, "--project", project, "--directory", directory], {
        PATH: process.env.PATH,
        DIGDAG_ENDPOINT: endpoint,
        GITHUB_SHA: revision,
      });
    cases[`${size} workflows, new`] = (round) => deploy(`new-${size}-${round}`, "r0");
    cases[`${size} workflows, one changed`] = (round) => {
      changeProject(directory, round);
      return deploy(`bench-${size}`, `r${round}`);
    };
    cases[`${size} workflows, unchanged`] = (round) => deploy(`bench-${size}`, `r${round}-again`);
  }
  return cases;
}

/** The official CLI's bare push of the small project, where it is on this machine: DIGDAG_JAR, or `digdag` on PATH. */
async function cliPushes(scratch: string, endpoint: string): Promise<Cases> {
  const { DIGDAG_JAR: jar } = process.env;
  const digdag = findCommand("digdag");
  const cli = jar ? ["java", "-XX:TieredStopAtLevel=1", "-jar", jar] : digdag && [digdag];
  if (!cli) return {};
  const [size = 0] = SIZES;
  const directory = join(scratch, String(size));
  return {
    [OFFICIAL]: (round) => ({
      ...command([...cli, "push", "official", "--project", directory, "-e", endpoint, "-r", `r${round}`]),
      cwd: scratch, // where it leaves a directory behind
    }),
  };
}

const OFFICIAL = "official CLI, bare push";

async function measureInTurns(
  cases: Cases,
  rounds: number,
  usageFile: string,
): Promise<Record<string, Measured>> {
  const runs: Record<string, Run[]> = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  // The first run of each reads files that later ones find in memory.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, make] of Object.entries(cases)) {
      const one = await runOnce(make(round), usageFile);
      if (round > 0) runs[name]?.push(one);
    }
    console.error(round === 0 ? "warm-up done" : `round ${round} of ${rounds} done`);
  }
  return Object.fromEntries(Object.entries(runs).map(([name, list]) => [name, measured(list)]));
}

function row([name, { seconds, processorSeconds, megabytes }]: [string, Measured]): object {
  return {
    "seconds of": name,
    ...shownTiming(seconds),
    processor: processorSeconds && shown(processorSeconds.median),
    "most MB": megabytes?.toFixed(0),
  };
}

/** How the command compares with the official CLI, the fastest run of each, and what memory it takes. */
function goals(results: Record<string, Measured>): Goal[] {
  const [size] = SIZES;
  const cli = results[OFFICIAL]?.seconds.fastest;
  const what = cli ? OFFICIAL : `${CLI_SECONDS} s, as once measured for the official CLI 0.10.5.1`;
  const small = results[`${size} workflows, one changed`]?.seconds.fastest ?? Number.NaN;
  const memory = Object.entries(results).map(([name, { megabytes }]) => ({
    name,
    megabytes: megabytes ?? 0,
  }));
  const most = memory.reduce((a, b) => (b.megabytes > a.megabytes ? b : a));
  return [
    atMost(0.1, `plan, push and verification of ${size} workflows : ${what}`, small / (cli ?? CLI_SECONDS)),
    atMost(MAX_MEGABYTES, `most MB of memory, with ${most.name}`, most.megabytes),
  ];
}
