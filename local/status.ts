import { existsSync } from "node:fs";
import { join } from "node:path";
import { readStacks } from "./aws/stacks";
import { gitHub } from "./gitHubControl";
import { example } from "./job";
import { root, stateDir } from "./lib/paths";
import { logFile, processNames, processStatus } from "./lib/processes";
import { run } from "./lib/run";
import { table } from "./lib/table";
import { reachingBridge } from "./network/addresses";
import { served } from "./served";

/** A part's state, or the reason why it could not be found out. */
type Answer<T> = T | { error: string };

async function ask<T>(question: () => Promise<T>): Promise<Answer<T>> {
  try {
    return await question();
  } catch (error) {
    return { error: (error as Error).message };
  }
}

interface PodList {
  items: {
    metadata: { namespace: string; name: string };
    status: { phase: string; conditions?: { type: string; status: string; message?: string }[] };
  }[];
}

async function pods() {
  const kubeconfig = join(stateDir, "kubeconfig");
  const { stdout } = await run("kubectl", ["--kubeconfig", kubeconfig, "get", "pods", "-A", "-o", "json"], {
    env: reachingBridge(process.env),
    timeoutSeconds: 10,
  });
  return (JSON.parse(stdout) as PodList).items.map(({ metadata, status }) => {
    const ready = status.conditions?.find(({ type }) => type === "Ready");
    return { ...metadata, phase: status.phase, ready: ready?.status === "True", message: ready?.message };
  });
}

async function collect() {
  const stacks = readStacks(root).map(({ stack }) => stack);
  return {
    processes: processNames().map((name) => ({ name, status: processStatus(name), log: logFile(name) })),
    pods: await ask(async () =>
      (await pods()).map(({ namespace, name, phase, ready, message }) => ({
        namespace,
        name,
        phase,
        ready,
        message,
      })),
    ),
    runners: await ask(async () =>
      (await gitHub.runners()).map(({ id, name, status, busy, labels }) => ({
        id,
        name,
        status,
        busy,
        labels: labels.map((label) => label.name),
      })),
    ),
    jobs: await ask(async () =>
      (await gitHub.jobs()).map(({ id, name, status, conclusion, runnerName, sha }) => ({
        id,
        name,
        status,
        conclusion,
        runnerName,
        sha,
      })),
    ),
    digdag: await ask(async () =>
      Promise.all(
        stacks.map(async (stack) => ({
          stack,
          project: example.name,
          revision: (await served(stack, example.name))?.revision,
        })),
      ),
    ),
  };
}

function render(title: string, answer: Answer<object[]>): string {
  const none = Array.isArray(answer) && answer.length === 0;
  const lines = "error" in answer ? [`unknown: ${answer.error}`] : none ? ["none"] : table(answer);
  return ["", title, ...lines.map((line) => `  ${line.trimEnd()}`)].join("\n");
}

/** The `status` command. Exit code 0 when every process runs. */
export async function status(json: boolean): Promise<number> {
  if (!existsSync(stateDir)) {
    console.log(json ? "{}" : "The local system is not running; `npm start` starts it.");
    return 1;
  }
  const found = await collect();
  if (json) console.log(JSON.stringify(found, null, 2));
  else
    for (const [title, answer] of Object.entries(found))
      console.log(render(title, answer as Answer<object[]>));
  return found.processes.every(({ status }) => status === "running") ? 0 : 1;
}
