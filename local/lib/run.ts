import { spawn } from "node:child_process";

/** Says one line of progress to a person. */
export type Report = (line: string) => void;

export interface RunOptions {
  cwd?: string;
  /** The whole environment of the command. Default: this process's. */
  env?: NodeJS.ProcessEnv;
  /** Called with every line the command prints. */
  report?: Report;
  timeoutSeconds?: number;
  /** Written to the command's standard input, which is empty otherwise. */
  input?: string;
  /** Resolve with the exit code instead of throwing when it is not 0. */
  allowFailure?: boolean;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** The last `count` lines of a command's output: where the reason for a failure stands. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/**
 * Runs a command to its end.
 * @throws Error naming the command, its exit code and the last lines it printed.
 */
export function run(command: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      let rest = "";
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        output[stream] += text;
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line.trim()) options.report?.(line);
      });
    }
    // A command that ends before it has read its input is judged by its exit code, not by the broken pipe.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    let timedOut = false;
    const timer = options.timeoutSeconds
      ? setTimeout(() => {
          timedOut = true;
          child.kill("SIGKILL");
        }, options.timeoutSeconds * 1000)
      : undefined;
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`${command} could not be started: ${error.message}`));
    });
    child.once("close", (exitCode) => {
      clearTimeout(timer);
      const code = exitCode ?? 1;
      if (code === 0 || (options.allowFailure && !timedOut)) return resolve({ ...output, code });
      const why = timedOut
        ? `did not end within ${options.timeoutSeconds} s`
        : `failed with exit code ${code}`;
      const said = lastLines(`${output.stdout}\n${output.stderr}`, 15);
      reject(new Error(`${[command, ...args].join(" ")} ${why}:\n${said}`));
    });
  });
}
