import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type GitHub,
  type GitHubOptions,
  type Job,
  type Step,
  startGitHub,
} from "../../../local/github/server";
import { until } from "../support/until";
import { directoryOf, type ListenerProcess, quick, RunnerHome, register } from "./support";

/** A server with the repository `acme/etl` (one file, schedule.dig) and a runner's directory, fresh for every test. */
export class Scene {
  github!: GitHub;
  home!: RunnerHome;
  private state!: string;

  /** Adds the hooks of the calling suite. */
  static forEachTest(options: GitHubOptions = {}): Scene {
    const scene = new Scene();
    let template: string;
    // Git takes its time for a first commit: it is made once and copied.
    before(async () => {
      template = mkdtempSync(join(tmpdir(), "github-test-state-"));
      const source = directoryOf({ "schedule.dig": "+a:\n" });
      const github = await startGitHub({ stateDirectory: template });
      await github.addRepository("acme/etl", source);
      await github.close();
      rmSync(source, { recursive: true });
    });
    after(() => rmSync(template, { recursive: true, force: true }));
    beforeEach(async () => {
      scene.state = mkdtempSync(join(tmpdir(), "github-test-state-"));
      cpSync(template, scene.state, { recursive: true });
      scene.home = await RunnerHome.create();
      scene.github = await startGitHub({ timings: quick, stateDirectory: scene.state, ...options });
    });
    afterEach(async () => {
      await scene.home.remove();
      await scene.github.close();
      rmSync(scene.state, { recursive: true });
    });
    return scene;
  }

  /** A job for label `digdag`; a step is a script, or more. */
  queue(...steps: (string | Partial<Step>)[]): Job {
    return this.github.queueJob({
      repository: "acme/etl",
      labels: ["digdag"],
      steps: steps.map((step, at) => ({
        name: `step-${at}`,
        run: "true",
        ...(typeof step === "string" ? { run: step } : step),
      })),
    });
  }

  /** A listener whose job has begun a step that does not end, with further steps after it. */
  async busy(...after: Partial<Step>[]): Promise<{ id: number; job: Job; listener: ListenerProcess }> {
    const { id, jit } = await register(this.github);
    const job = this.queue("echo started; sleep 60", ...after);
    const listener = this.home.start(jit);
    await this.says(job, "started\n");
    return { id, job, listener };
  }

  /** Waits until the job's log holds the text. */
  async says(job: Job, text: string): Promise<void> {
    await until(`job ${job.id} says "${text}"`, () => this.github.job(job.id).log.includes(text));
  }

  statusOf(id: number): string | undefined {
    return this.github.runners().find((each) => each.id === id)?.status;
  }
}
