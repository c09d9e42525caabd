import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Timing, timing } from "./report";

/** A command to measure. */
export interface Command {
  program: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** Default: this process's. */
  cwd?: string;
}

/** One run of a command. */
export interface Run {
  /** From its start to its end, with the start of the process. */
  seconds: number;
  /** Processor time, user and system; undefined where the program is not Node.js. */
  processorSeconds?: number;
  /** The most memory it held; undefined where the program is not Node.js. */
  megabytes?: number;
}

/** All runs of one command. */
export interface Measured {
  seconds: Timing;
  processorSeconds?: Timing;
  /** Of the run that held most. */
  megabytes?: number;
}

/** Arguments with which Node.js reports what it used. */
export const reportUsage = ["--require", join(__dirname, "usage.cjs")];

/** Runs a command once. @throws Error with what it printed when it fails */
export async function runOnce({ program, args, env, cwd }: Command, usageFile: string): Promise<Run> {
  rmSync(usageFile, { force: true });
  const began = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
    env: { ...(env ?? process.env), BENCH_USAGE: usageFile },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${said}`);
  if (!existsSync(usageFile)) return { seconds };
  const usage = JSON.parse(readFileSync(usageFile, "utf8")) as NodeJS.ResourceUsage;
  return {
    seconds,
    processorSeconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6,
    megabytes: usage.maxRSS / 1024,
  };
}

/** @throws Error for no runs */
export function measured(runs: readonly Run[]): Measured {
  const processor = runs.flatMap(({ processorSeconds }) => processorSeconds ?? []);
  const megabytes = runs.flatMap((run) => run.megabytes ?? []);
  return {
    seconds: timing(runs.map(({ seconds }) => seconds)),
    processorSeconds: processor.length > 0 ? timing(processor) : undefined,
    megabytes: megabytes.length > 0 ? Math.max(...megabytes) : undefined,
  };
}
