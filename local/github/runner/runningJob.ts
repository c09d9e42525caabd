import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { type JobMessage, type RunnerFile, type WorkerInput, workerExit } from "../protocol";
import { type Connection, Gone } from "./connection";

/** A job in its `Runner.Worker` process, renewed on the server while it runs. */
export class RunningJob {
  readonly id: number;
  /** The worker's exit code. */
  readonly exited: Promise<number>;
  private readonly worker: ChildProcess;

  constructor(root: string, runner: RunnerFile, secret: string, job: JobMessage, connection: Connection) {
    const { StandInTimings: timings, AgentName: runnerName, WorkFolder: workFolder } = runner;
    this.id = job.id;
    this.worker = spawn(join(root, "bin", "Runner.Worker"), [], {
      stdio: ["pipe", "inherit", "inherit"],
      cwd: root,
    });
    const input: WorkerInput = { job, secret, runnerName, workFolder, timings };
    this.worker.stdin?.on("error", () => undefined);
    this.send(JSON.stringify(input));
    const renewal = setInterval(
      () =>
        void connection.call("POST", `/jobs/${job.id}/renew`).catch((error: Error) => {
          // The server gave the job up: nothing it does now counts.
          if (error instanceof Gone) this.worker.stdin?.end();
        }),
      timings.heartbeatGap / 4,
    );
    this.exited = new Promise<number>((resolve) => {
      this.worker.once("error", () => resolve(workerExit.failure));
      this.worker.once("exit", (code) => resolve(code ?? workerExit.failure));
    }).then(async (code) => {
      clearInterval(renewal);
      const reported = Object.values<number>(workerExit).includes(code);
      const result = { body: { conclusion: "failure" } };
      // A worker that crashed could not report its job.
      if (!reported) await connection.call("POST", `/jobs/${job.id}/result`, result).catch(() => undefined);
      return code;
    });
  }

  /** Asks the worker to end the current step and go on with those that always run. */
  cancel(reason: "cancel" | "shutdown"): void {
    this.send(reason);
  }

  private send(line: string): void {
    if (this.worker.stdin?.writable) this.worker.stdin.write(`${line}\n`);
  }
}
