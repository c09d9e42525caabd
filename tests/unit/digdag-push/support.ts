import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Limits } from "../../../digdag-push/limits";
import { run } from "../../../digdag-push/main";
import { type Digdag, type DigdagOptions, startDigdag } from "../../../local/digdag";

/** Path to content. */
export type Files = Record<string, string | Buffer>;

export const DAILY = "timezone: Asia/Tokyo\nschedule:\n  daily>: 07:00:00\n+hello:\n  echo>: hello\n";
export const MANUAL = "+hello:\n  echo>: hello\n";

/** Undoes, after each test, what the test has made. */
export class Cleaner {
  private tasks: (() => unknown)[] = [];

  add(task: () => unknown): void {
    this.tasks.push(task);
  }

  async clean(): Promise<void> {
    for (const task of this.tasks.splice(0).reverse()) await task();
  }

  folder(below = tmpdir()): string {
    const folder = mkdtempSync(join(below, "digdag-push-test-"));
    this.add(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** A project directory with these files. */
  project(files: Files, below?: string): string {
    const folder = this.folder(below);
    writeFiles(folder, files);
    return folder;
  }

  async digdag(options: DigdagOptions = {}): Promise<Digdag> {
    const digdag = await startDigdag(options);
    this.add(() => digdag.close());
    return digdag;
  }
}

export function writeFiles(folder: string, files: Files): void {
  const folders = new Set(Object.keys(files).map((name) => dirname(join(folder, name))));
  for (const each of folders) mkdirSync(each, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
}

/** Waits short enough for tests. */
export const FAST: Partial<Limits> = { connect: 1_000, read: 1_000, push: 1_000, egress: 500, retryPause: 5 };

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Of `--json`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read single fields of it
  json: any;
}

/** Runs digdag-push in this process. */
export async function push(
  argv: string[],
  env: Record<string, string | undefined>,
  limits: Partial<Limits> = {},
): Promise<Outcome> {
  const outcome = { stdout: "", stderr: "" };
  const output = {
    out: (text: string) => {
      outcome.stdout += text;
    },
    error: (text: string) => {
      outcome.stderr += text;
    },
  };
  const exitCode = await run(argv, env, output, { ...FAST, ...limits });
  return {
    ...outcome,
    exitCode,
    get json() {
      return JSON.parse(outcome.stdout);
    },
  };
}

/** Runs `digdag-push --json` for a project called demo. */
export function deploy(
  url: string,
  directory: string,
  revision: string,
  more: { argv?: string[]; env?: Record<string, string>; limits?: Partial<Limits> } = {},
): Promise<Outcome> {
  const argv = ["--project", "demo", "--directory", directory, "--json", ...(more.argv ?? [])];
  return push(argv, { DIGDAG_ENDPOINT: url, GITHUB_SHA: revision, ...more.env }, more.limits);
}

/** What the stand-in serves, asked over HTTP. */
// biome-ignore lint/suspicious/noExplicitAny: tests read single fields of it
export async function ask(digdag: Digdag, path: string, init?: RequestInit): Promise<any> {
  const response = await fetch(digdag.url + path, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

export const served = async (digdag: Digdag) => (await ask(digdag, "/api/projects?name=demo")).projects[0];
export const schedules = async (digdag: Digdag) =>
  (await ask(digdag, `/api/projects/${(await served(digdag)).id}/schedules`)).schedules;

export const puts = (digdag: Digdag) => digdag.requests.filter((request) => request.method === "PUT");

export const read = (file: string) => readFileSync(file, "utf8");
