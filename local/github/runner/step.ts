import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Timings } from "../types";

/** How a step ended: its exit code, 128+N for signal N as bash counts. */
export interface StepEnd {
  code: number;
}

/** Starts `bash -e SCRIPT`; output goes to `write` in order. Stops as GitHub does when `cancelled` fires. */
export async function runStep(
  script: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
  write: (text: string) => void,
  timings: Pick<Timings, "interruptStep" | "terminateStep">,
  cancelled: AbortSignal,
): Promise<StepEnd> {
  const child = spawn("bash", ["-e", script], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", write);
  const ended = new Promise<StepEnd>((resolve) => {
    child.once("error", (error) => {
      write(`##[error]${error.message}\n`);
      resolve({ code: 127 });
    });
    child.once("exit", (code) => resolve({ code: code ?? 128 }));
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const stop = () => void terminate(child, ended, timings);
  if (cancelled.aborted) stop();
  cancelled.addEventListener("abort", stop, { once: true });
  const end = await ended;
  cancelled.removeEventListener("abort", stop);
  // A process left in the background keeps the pipes open for ever.
  await Promise.race([closed, sleep(500, undefined, { ref: false })]);
  child.stdout.destroy();
  child.stderr.destroy();
  return end;
}

/** SIGINT to the shell, then SIGTERM, then SIGKILL to it and all its descendants. */
async function terminate(
  child: ChildProcess,
  ended: Promise<StepEnd>,
  { interruptStep, terminateStep }: Pick<Timings, "interruptStep" | "terminateStep">,
): Promise<void> {
  const within = (ms: number) => Promise.race([ended.then(() => true), sleep(ms, false, { ref: false })]);
  const tree = () => (child.pid === undefined ? [] : [child.pid, ...descendants(child.pid)]);
  let known = tree();
  child.kill("SIGINT");
  if (!(await within(interruptStep))) {
    known = tree();
    child.kill("SIGTERM");
    await within(terminateStep);
  }
  kill(known);
}

function kill(pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

/** Kills everything that this process started, directly or not. */
export function killDescendants(): void {
  kill(descendants(process.pid));
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      // The second field, the name in parentheses, may hold spaces.
      const parent = Number(readFileSync(`/proc/${entry}/stat`, "utf8").split(") ").pop()?.split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It ended between the two reads.
    }
  }
  const below = (pid: number): number[] =>
    (children.get(pid) ?? []).flatMap((each) => [each, ...below(each)]);
  return below(root);
}
