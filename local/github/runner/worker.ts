/**
 * Stand-in for GitHub's `Runner.Worker`: checks the job's commit out and runs its steps. It understands shell steps and
 * `always`, not workflow files, actions or expressions.
 */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type WorkerInput, workerExit } from "../protocol";
import type { Step } from "../types";
import { Connection, Gone } from "./connection";
import { parseEnvironmentFile } from "./files";
import { killDescendants, runStep } from "./step";
import { Upload } from "./upload";

const run = promisify(execFile);
const shutdownLine =
  "##[error]The runner has received a shutdown signal. This can happen when the runner service is stopped, or a manually started runner is canceled.\n";
const commandFiles = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] as const;

type Conclusion = keyof typeof workerExit;

class Worker {
  private readonly root = dirname(dirname(realpathSync(process.argv[1] as string)));
  private readonly temp: string;
  private readonly workspace: string;
  private readonly cancelled = new AbortController();
  private readonly connection: Connection;
  private readonly log: Upload;
  private environment: NodeJS.ProcessEnv;

  constructor(private readonly input: WorkerInput) {
    const { job, workFolder, secret } = input;
    const work = resolve(this.root, workFolder);
    const name = job.repository.split("/")[1] ?? job.repository;
    this.temp = join(work, "_temp");
    this.workspace = join(work, name, name);
    this.connection = new Connection(job.serverUrl, secret);
    this.log = new Upload((text) => this.connection.call("POST", `/jobs/${job.id}/log`, { body: text }));
    this.environment = { ...process.env, ...this.variables(work), ...job.env };
  }

  cancel(reason: string): void {
    if (reason === "shutdown") this.log.write(shutdownLine);
    else this.log.write("##[error]The operation was canceled.\n");
    this.cancelled.abort();
  }

  /** Runs the whole job and reports its result. */
  async run(): Promise<Conclusion> {
    this.log.write(`Runner.Worker stand-in\nRunner name: '${this.input.runnerName}'\n`);
    for (const directory of [this.temp, this.workspace]) {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { recursive: true });
    }
    let failed = !(await this.jobStartedHook()) || !(await this.checkout());
    for (const [index, step] of this.input.job.steps.entries()) {
      const stopped = this.cancelled.signal.aborted;
      if ((failed || stopped) && !step.always) continue;
      // A step that always runs gets a fresh chance after a cancellation.
      const signal = stopped ? new AbortController().signal : this.cancelled.signal;
      failed = !(await this.step(step, index, signal)) || failed;
    }
    const conclusion = this.cancelled.signal.aborted ? "cancelled" : failed ? "failure" : "success";
    await this.log.end();
    await this.report(conclusion);
    return conclusion;
  }

  /** The script that a runner's owner has run before every job; its failure fails the job (actions/runner, ADR 1751). */
  private async jobStartedHook(): Promise<boolean> {
    const hook = process.env.ACTIONS_RUNNER_HOOK_JOB_STARTED;
    if (!hook) return true;
    this.log.write("##[group]Set up runner\n");
    const write = (text: string) => this.log.write(text);
    const { timings } = this.input;
    const { signal } = this.cancelled;
    const { code } = await runStep(hook, this.temp, this.environment, write, timings, signal);
    this.log.write("##[endgroup]\n");
    return code === 0;
  }

  /** GitHub's worker tries as often before it gives a result up (actions/runner, JobRunner.CompleteJobAsync). */
  private async report(conclusion: Conclusion): Promise<void> {
    const { job, timings } = this.input;
    for (let left = 5; ; left--) {
      try {
        await this.connection.call("POST", `/jobs/${job.id}/result`, { body: { conclusion } });
        return;
      } catch (error) {
        if (error instanceof Gone || left === 0) throw error;
        await sleep(timings.reconnect);
      }
    }
  }

  private async checkout(): Promise<boolean> {
    const { serverUrl, repository, sha } = this.input.job;
    const url = `${serverUrl}/${repository}`;
    this.log.write(`##[group]Checkout ${url} ${sha ?? ""}\n`);
    // Git has its own idea of trusted certificates; a private one given to Node is meant for it too.
    const certificates = process.env.GIT_SSL_CAINFO ?? process.env.NODE_EXTRA_CA_CERTS;
    const env = {
      ...process.env,
      GIT_TERMINAL_PROMPT: "0",
      ...(certificates && { GIT_SSL_CAINFO: certificates }),
    };
    const { signal } = this.cancelled;
    try {
      await this.clone(url, { env, signal });
      if (sha)
        await run("git", ["-C", this.workspace, "checkout", "--quiet", "--detach", sha], { env, signal });
      this.log.write("##[endgroup]\n");
      return true;
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: string };
      this.log.write(`##[endgroup]\n##[error]Checkout failed: ${stderr?.trim() || message}\n`);
      return false;
    }
  }

  /** actions/checkout tries three times as well, and waits 10 to 20 s in between; a lost connection of the listener waits 2 s. */
  private async clone(url: string, options: { env: NodeJS.ProcessEnv; signal: AbortSignal }): Promise<void> {
    for (let left = 2; ; left--) {
      try {
        await run("git", ["clone", "--quiet", url, this.workspace], options);
        return;
      } catch (error) {
        if (left === 0 || options.signal.aborted) throw error;
        this.log.write(`Waiting before trying again: ${(error as { stderr?: string }).stderr?.trim()}\n`);
        await sleep(5 * this.input.timings.reconnect);
      }
    }
  }

  private async step(step: Step, index: number, signal: AbortSignal): Promise<boolean> {
    const script = join(this.temp, `step-${index}.sh`);
    const files = Object.fromEntries(commandFiles.map((name) => [name, join(this.temp, `${name}-${index}`)]));
    for (const file of Object.values(files)) writeFileSync(file, "");
    writeFileSync(script, `${step.run}\n`);
    this.log.write(`##[group]Run ${step.name}\n${step.run}\nshell: bash -e {0}\n##[endgroup]\n`);
    const env = { ...this.environment, ...step.env, ...files };
    const { code } = await runStep(
      script,
      this.workspace,
      env,
      (text) => this.log.write(text),
      this.input.timings,
      signal,
    );
    await this.readCommandFiles(files);
    if (code !== 0 && !signal.aborted) this.log.write(`##[error]Process completed with exit code ${code}.\n`);
    return code === 0;
  }

  private async readCommandFiles(files: Record<string, string>): Promise<void> {
    const read = (name: (typeof commandFiles)[number]) => {
      try {
        return readFileSync(files[name] as string, "utf8");
      } catch {
        return "";
      }
    };
    Object.assign(this.environment, parseEnvironmentFile(read("GITHUB_ENV")));
    const added = read("GITHUB_PATH").split("\n").filter(Boolean).reverse();
    if (added.length > 0) this.environment.PATH = [...added, this.environment.PATH].join(delimiter);
    const summary = read("GITHUB_STEP_SUMMARY");
    if (summary) await this.connection.call("POST", `/jobs/${this.input.job.id}/summary`, { body: summary });
  }

  private variables(work: string): Record<string, string> {
    const { job, runnerName } = this.input;
    return {
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_ACTOR: job.repository.split("/")[0] ?? "",
      GITHUB_API_URL: job.apiUrl,
      GITHUB_EVENT_NAME: "push",
      GITHUB_JOB: job.name,
      GITHUB_REF: "refs/heads/main",
      GITHUB_REF_NAME: "main",
      GITHUB_REPOSITORY: job.repository,
      GITHUB_REPOSITORY_OWNER: job.repository.split("/")[0] ?? "",
      GITHUB_RUN_ATTEMPT: String(job.runAttempt ?? 1),
      GITHUB_RUN_ID: String(job.id),
      GITHUB_RUN_NUMBER: String(job.id),
      GITHUB_SERVER_URL: job.serverUrl,
      GITHUB_SHA: job.sha ?? "",
      GITHUB_WORKFLOW: job.name,
      GITHUB_WORKSPACE: this.workspace,
      RUNNER_ARCH: process.arch === "arm64" ? "ARM64" : "X64",
      RUNNER_ENVIRONMENT: "self-hosted",
      RUNNER_NAME: runnerName,
      RUNNER_OS: "Linux",
      RUNNER_TEMP: this.temp,
      RUNNER_TOOL_CACHE: join(work, "_tool"),
      RUNNER_WORKSPACE: dirname(this.workspace),
    };
  }
}

let worker: Worker | undefined;
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  if (worker) return worker.cancel(line);
  worker = new Worker(JSON.parse(line) as WorkerInput);
  worker.run().then(
    (conclusion) => process.exit(workerExit[conclusion]),
    (error: Error) => {
      process.stderr.write(`Runner.Worker stand-in: ${error.message}\n`);
      process.exit(1);
    },
  );
});
// The listener is gone: so is the job.
input.on("close", () => {
  killDescendants();
  process.exit(1);
});
// Only the listener decides when a job ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
