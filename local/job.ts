import { cpSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { readStacks } from "./aws/stacks";
import { gitHub, jobCompleted } from "./gitHubControl";
import type { Job } from "./github/types";
import { root } from "./lib/paths";

/** The project that comes with the product. */
export const example = { name: "hello-digdag", directory: join(root, "examples", "hello-digdag") };

/** Which project a job deploys, and on whose runners. */
export interface DeployJob {
  /** The Digdag project's directory; its name is the project's name. */
  directory: string;
  /** The environment: its runners carry this label. */
  label: string;
  /** Files added to what is committed, by their path in the project. */
  extraFiles?: Record<string, string>;
}

/**
 * Commits a Digdag project to the stack's repository on the GitHub stand-in and queues a job that deploys it with
 * `digdag-push`, as the workflow in `examples/` does.
 * @throws Error when the directory or the stack does not exist
 */
export async function queueDeployJob({ directory, label, extraFiles = {} }: DeployJob): Promise<Job> {
  const source = resolve(directory);
  if (!existsSync(source) || !statSync(source).isDirectory()) {
    throw new Error(
      `--project ${directory}: there is no such directory; name the directory of a Digdag project`,
    );
  }
  const stacks = readStacks(root);
  const stack = stacks.find(({ stack }) => stack === label);
  if (!stack) {
    throw new Error(`--label ${label}: no such environment; one of ${stacks.map((s) => s.stack).join(", ")}`);
  }
  const project = basename(source);
  const checkout = mkdtempSync(join(tmpdir(), "digdag-project-"));
  try {
    cpSync(source, join(checkout, project), { recursive: true });
    for (const [path, text] of Object.entries(extraFiles)) writeFileSync(join(checkout, project, path), text);
    const repository = `${stack.owner}/${stack.repository}`;
    const { sha } = await gitHub.commit(repository, checkout, `Change ${project}`);
    return await gitHub.queueJob({
      name: `deploy ${project}`,
      repository,
      sha,
      labels: ["self-hosted", "digdag", label],
      steps: [{ name: "Deploy", run: `digdag-push --project ${project} --directory ${project}` }],
    });
  } finally {
    rmSync(checkout, { recursive: true });
  }
}

/** A job waits this long for a runner, and then for its end. */
const jobSeconds = 300;

/** The `job` command: queues, waits, prints the job's log. Exit code 0 when the job succeeded. */
export async function deploy(what: DeployJob): Promise<number> {
  const queued = await queueDeployJob(what);
  console.log(
    `job ${queued.id} is queued: ${queued.repository} at ${queued.sha}, labels ${queued.labels.join(", ")}`,
  );
  const job = await jobCompleted(queued.id, jobSeconds);
  console.log(job.log.trimEnd());
  console.log(`job ${job.id} on ${job.runnerName ?? "no runner"}: ${job.conclusion}`);
  return job.conclusion === "success" ? 0 : 1;
}
