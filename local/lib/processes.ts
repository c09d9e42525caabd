import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { stateDir } from "./paths";
import { lastLines } from "./run";

interface Entry {
  pid: number;
  /** Start time in clock ticks since boot: tells our process from a later one with the same pid. */
  startTime: string;
  command: string[];
  /** StartOptions.configuration of this start. */
  configuration?: string;
}

export interface StartOptions {
  /** What the process was told in other ways than its command; a running one with another configuration is replaced. */
  configuration?: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Polled until it answers true. Default: the process is ready as soon as it runs. */
  ready?: () => Promise<boolean>;
  /** Default: 60. */
  readySeconds?: number;
}

const runDir = join(stateDir, "run");
const logDir = join(stateDir, "logs");
const entryFile = (name: string) => join(runDir, `${name}.json`);

/** Where a process writes what it prints. */
export const logFile = (name: string): string => join(logDir, `${name}.log`);

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name, field 2, may hold spaces and parentheses: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined; // no such process
  }
}

function readEntry(name: string): Entry | undefined {
  if (!existsSync(entryFile(name))) return undefined;
  return JSON.parse(readFileSync(entryFile(name), "utf8")) as Entry;
}

const alive = (entry: Entry | undefined): entry is Entry =>
  entry !== undefined && startTimeOf(entry.pid) === entry.startTime;

export function processStatus(name: string): "running" | "stopped" {
  return alive(readEntry(name)) ? "running" : "stopped";
}

/** Names of all processes the local system has recorded, running or not. */
export function processNames(): string[] {
  if (!existsSync(runDir)) return [];
  return readdirSync(runDir)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

function logTail(name: string): string {
  return existsSync(logFile(name)) ? lastLines(readFileSync(logFile(name), "utf8"), 15) : "";
}

async function waitUntilReady(name: string, entry: Entry, options: StartOptions): Promise<void> {
  const seconds = options.readySeconds ?? 60;
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    if (!alive(entry)) throw new Error(`${name} ended while it started; its last words:\n${logTail(name)}`);
    if (!options.ready || (await options.ready().catch(() => false))) return;
    if (Date.now() > deadline) {
      throw new Error(`${name} is not ready after ${seconds} s; its last words:\n${logTail(name)}`);
    }
    await sleep(100);
  }
}

/**
 * Starts a process that outlives this one. Does nothing but wait for its readiness when it runs already
 * with the same command and configuration; replaces it when they differ. Its log begins anew, the former one is kept
 * beside it as `.log.1`.
 * @throws Error with the end of its log when it ends or does not become ready.
 */
export async function startProcess(
  name: string,
  command: string,
  args: string[],
  options: StartOptions = {},
): Promise<void> {
  const line = [command, ...args];
  const known = readEntry(name);
  if (alive(known)) {
    const same = isDeepStrictEqual([known.command, known.configuration], [line, options.configuration]);
    if (same) return waitUntilReady(name, known, options);
    await stopProcess(name);
  }
  mkdirSync(runDir, { recursive: true });
  mkdirSync(logDir, { recursive: true });
  if (existsSync(logFile(name))) renameSync(logFile(name), `${logFile(name)}.1`);
  const log = openSync(logFile(name), "a");
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (error) => reject(new Error(`${name} could not be started: ${error.message}`)));
  });
  await Promise.race([failed, new Promise((resolve) => child.once("spawn", resolve))]);
  const pid = child.pid as number;
  child.unref();
  const entry: Entry = {
    pid,
    startTime: startTimeOf(pid) ?? "",
    command: line,
    configuration: options.configuration,
  };
  writeFileSync(entryFile(name), JSON.stringify(entry), { mode: 0o600 });
  await waitUntilReady(name, entry, options);
}

/** Sends a signal to a recorded process; does nothing when it does not run. */
export function signalProcess(name: string, signal: NodeJS.Signals): void {
  const entry = readEntry(name);
  if (alive(entry)) process.kill(entry.pid, signal);
}

/** Ends a recorded process, by force when it has not ended after `seconds` (default 10), and forgets it. */
export async function stopProcess(
  name: string,
  options: { signal?: NodeJS.Signals; seconds?: number } = {},
): Promise<void> {
  const entry = readEntry(name);
  if (alive(entry)) {
    process.kill(entry.pid, options.signal ?? "SIGTERM");
    const deadline = Date.now() + (options.seconds ?? 10) * 1000;
    while (alive(entry) && Date.now() < deadline) await sleep(50);
    if (alive(entry)) {
      process.kill(entry.pid, "SIGKILL");
      while (alive(entry)) await sleep(20);
    }
  }
  rmSync(entryFile(name), { force: true });
}
