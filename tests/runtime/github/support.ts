import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defaultToken, type GitHub, type Timings } from "../../../local/github/server";
import { runnerFiles } from "../../../local/github/tarball";
import { until } from "../support/until";

/** Waiting is the only thing that these shorten. */
export const quick: Partial<Timings> = {
  sessionGrace: 500,
  acquire: 2000,
  heartbeatGap: 2000,
  conflictRetry: 50,
  conflictLimit: 200,
  reconnect: 50,
  unload: 10_000,
  interruptStep: 200,
  terminateStep: 200,
};

/** Octokit's log, where refusals are expected. */
export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export const version = "2.337.0";

export interface Answer {
  status: number;
  headers: Record<string, string | number | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the server sent
  data: any;
}

/** Calls the REST API as the product does, with Octokit; answers with an error status are answers too. */
export async function call(
  github: GitHub,
  route: string,
  parameters: Record<string, unknown> = {},
  token: string | null = defaultToken,
): Promise<Answer> {
  const { Octokit } = await import("@octokit/core");
  const octokit = new Octokit({
    baseUrl: github.apiUrl,
    log: silent,
    ...(token !== null && { auth: token }),
  });
  try {
    return (await octokit.request(route, parameters)) as Answer;
  } catch (error) {
    const { response } = error as { response?: Answer };
    if (response) return response;
    throw error;
  }
}

/** Registers a runner; returns its id and its JIT configuration. */
export async function register(
  github: GitHub,
  name = "runner-1",
  labels = ["self-hosted", "digdag"],
  scope = "repos/acme/etl",
): Promise<{ id: number; jit: string }> {
  const { status, data } = await call(github, `POST /${scope}/actions/runners/generate-jitconfig`, {
    name,
    runner_group_id: 1,
    labels,
  });
  if (status !== 201) throw new Error(`generate-jitconfig answered ${status}: ${JSON.stringify(data)}`);
  return { id: data.runner.id, jit: data.encoded_jit_config };
}

/** A temporary directory with these files. */
export function directoryOf(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "github-test-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

let bundled: ReturnType<typeof runnerFiles> | undefined;

/** A runner's own directory, laid out as from the tarball but with a link to this Node. */
export class RunnerHome {
  readonly path = mkdtempSync(join(tmpdir(), "github-test-runner-"));
  readonly started: ListenerProcess[] = [];

  private constructor() {}

  static async create(): Promise<RunnerHome> {
    const home = new RunnerHome();
    bundled ??= runnerFiles(version);
    for (const [name, { text, mode }] of Object.entries(await bundled)) {
      mkdirSync(dirname(join(home.path, name)), { recursive: true });
      writeFileSync(join(home.path, name), text, { mode });
    }
    symlinkSync(process.execPath, join(home.path, "externals/node24/bin/node"));
    return home;
  }

  start(jit?: string, environment: NodeJS.ProcessEnv = {}): ListenerProcess {
    const listener = new ListenerProcess(join(this.path, "bin", "Runner.Listener"), jit, environment);
    this.started.push(listener);
    return listener;
  }

  async remove(): Promise<void> {
    for (const listener of this.started) await listener.kill();
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A listener that was started. */
export class ListenerProcess {
  stdout = "";
  stderr = "";
  /** Its exit code, once it ended. */
  code: number | null | undefined;
  private readonly child: ChildProcess;

  constructor(program: string, jit: string | undefined, environment: NodeJS.ProcessEnv) {
    const env = { ...process.env, ...environment, ...(jit && { ACTIONS_RUNNER_INPUT_JITCONFIG: jit }) };
    this.child = spawn(program, ["run"], { env, cwd: dirname(program) });
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    this.child.once("close", (code) => {
      this.code = code;
    });
  }

  prints(line: string): Promise<unknown> {
    return until(
      () => `the listener prints "${line}"; it printed ${this.stdout}${this.stderr}`,
      () => `${this.stdout}${this.stderr}`.includes(line),
    );
  }

  /** Its exit code. */
  async ends(): Promise<number | null> {
    return until(
      () => `the listener ends; it printed ${this.stdout}${this.stderr}`,
      () => this.code,
    );
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    if (!this.alive) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}
