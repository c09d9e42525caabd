import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundlePrograms } from "../../../runner-image/bundle";
import { until } from "./until";

/** Not under /tmp: containers of the tests put a /tmp of their own over it. Open to other users, as programs run as such. */
const SHARED_ROOT = "/var/tmp";

let scratch: string | undefined;

/** A directory shared by all tests of this process, which may run several files one after the other; removed at its end. */
export function scratchDirectory(): string {
  if (!scratch) {
    const made = openDirectory(mkdtempSync(join(SHARED_ROOT, "digdag-runner-tests-")));
    process.once("exit", () => rmSync(made, { recursive: true, force: true }));
    scratch = made;
  }
  return scratch;
}

/** Creates a directory that every user may enter. */
export function openDirectory(path: string): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  return path;
}

let bundled: Promise<string> | undefined;

/** The directory with broker.js and supervisor.js as the image gets them, bundled once per run. */
export function bundles(): Promise<string> {
  bundled ??= (async () => {
    const outDirectory = openDirectory(join(scratchDirectory(), "dist"));
    await bundlePrograms({ programs: ["broker", "supervisor"], outDirectory });
    return outDirectory;
  })();
  return bundled;
}

/** A line of a program's log. */
export type LogLine = Record<string, unknown> & { msg?: string };

/** A process whose output is kept. */
export class Program {
  output = "";
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.exited = new Promise((resolve) => this.child.once("exit", (code) => resolve(code)));
  }

  get log(): LogLine[] {
    return this.output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Waits for a log line whose message holds `text`. */
  async logged(text: string, milliseconds?: number): Promise<LogLine> {
    return until(
      `log line "${text}"`,
      () => {
        if (this.child.exitCode !== null && !this.output.includes(text))
          throw new Error(`ended:\n${this.output}`);
        return this.log.find((line) => line.msg?.includes(text));
      },
      milliseconds,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.exited;
  }
}
