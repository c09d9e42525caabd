import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { sleepSeconds } from "../shared/backoff";
import type { Log } from "../shared/log";

/** Time the listener has after SIGINT to end its job's steps and report to GitHub; the Pod's grace leaves a minute for it. */
const INTERRUPT_LIMIT_MS = 45_000;
const LAST_LINES_SECONDS = 1;

/** How the listener process ended. */
export interface ListenerEnd {
  exitCode: number | null;
  signal: string | null;
}

/** Something the listener printed about a job. Only for logs and metrics: job code could print the same. */
export interface JobNews {
  event: "started" | "completed";
  name: string;
  result?: string;
}

/** The results that a runner knows. Others would be a job's own words, which metrics would keep and show to later jobs. */
const RESULTS = ["Succeeded", "SucceededWithIssues", "Failed", "Canceled", "Skipped", "Abandoned"];

/** Reads one line of the listener's output; undefined when it is not about a job. */
export function parseJobNews(line: string): JobNews | undefined {
  const completed = /: Job (.+) completed with result: (\w+)\s*$/.exec(line);
  if (completed?.[1]) {
    const result = RESULTS.find((known) => known === completed[2]) ?? "unknown";
    return { event: "completed", name: completed[1], result };
  }
  const started = /: Running job: (.+?)\s*$/.exec(line);
  if (started?.[1]) return { event: "started", name: started[1] };
  return undefined;
}

/** One run of Runner.Listener: at most one job. */
export class Listener {
  readonly ended: Promise<ListenerEnd>;
  private readonly child: ChildProcess;

  /**
   * Starts the listener directly, not through run.sh, which hides its exit codes; in a session of its own, so that a signal
   * for the supervisor never reaches the steps of a job.
   */
  constructor(
    path: string,
    directory: string,
    env: NodeJS.ProcessEnv,
    private readonly log: Log,
    onJob: (news: JobNews) => void,
  ) {
    const child = spawn(path, ["run"], {
      cwd: directory,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    this.ended = new Promise((resolve, reject) => {
      child.once("error", (error) =>
        reject(new Error(`the listener could not be started: ${error.message}`)),
      );
      // What the listener printed last is read after its end, but a process that a job left may hold the pipe for ever.
      const closed = once(child, "close").catch(() => {});
      child.once("exit", (exitCode, signal) => {
        void Promise.race([closed, sleepSeconds(LAST_LINES_SECONDS)]).then(() =>
          resolve({ exitCode, signal }),
        );
      });
    });
    // A start that fails is told to whoever waits for the end, also when nobody does yet.
    this.ended.catch(() => {});
    // A listener runs one job: what is said again is a job's own doing.
    const told = new Set<JobNews["event"]>();
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        if (line.trim() === "") return;
        log.info({ listener: line }, "listener");
        const news = stream === child.stdout ? parseJobNews(line) : undefined;
        if (!news || told.has(news.event)) return;
        told.add(news.event);
        onJob(news);
      });
    }
  }

  /** True from the first interrupt() on. */
  interrupted = false;

  /** Cancels the job, if any: SIGINT to the listener alone (SIGTERM would give it 30 s at most), SIGKILL if it does not end. */
  interrupt(reason: string): void {
    if (this.interrupted) return;
    this.interrupted = true;
    this.log.warn({ reason }, "the listener is asked to end");
    this.child.kill("SIGINT");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), INTERRUPT_LIMIT_MS);
    this.child.once("exit", () => clearTimeout(timer));
  }
}
