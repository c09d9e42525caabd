import { existsSync, rmSync } from "node:fs";
import { readStacks } from "./aws/stacks";
import { stopDocker } from "./docker";
import { ensureEngine } from "./engine";
import { environment } from "./environment";
import { stopContainerd, stopKubernetes } from "./kubernetes";
import { root, stateDir } from "./lib/paths";
import { processNames, stopProcess } from "./lib/processes";
import { run } from "./lib/run";
import { readState } from "./lib/state";
import { Steps } from "./lib/steps";
import { removeNetwork } from "./network";

/** A damaged state must not keep anybody from removing it. */
function contextInUse(): string | undefined {
  try {
    return readState().context;
  } catch (error) {
    console.error((error as Error).message);
    return undefined;
  }
}

/** In somebody's cluster only Pulumi knows what it made. */
async function destroyStacks(steps: Steps): Promise<void> {
  const { path } = await steps.step("Pulumi engine", (report) => ensureEngine({ report }));
  const env = environment(path);
  for (const { stack } of readStacks(root)) {
    await steps.step(`pulumi destroy -s ${stack}`, (report) =>
      // What stays of prd is in the account that ends with the local system.
      run(
        "pulumi",
        ["destroy", "-s", stack, "--yes", "--skip-preview", "--non-interactive", "--exclude-protected"],
        {
          env,
          report,
        },
      ),
    );
  }
}

/**
 * Removes every process, Pod, network and file that the local system made. What it installed stays, and so does its
 * cache: both make the next start quick.
 */
export async function stop(): Promise<number> {
  if (!existsSync(stateDir)) {
    console.log("The local system is not running.");
    return 0;
  }
  const steps = new Steps();
  const foreignCluster = contextInUse() !== undefined;
  if (foreignCluster) await destroyStacks(steps);
  else await steps.step("Kubernetes node", (report) => stopKubernetes({ report }));
  await steps.step("Docker and registry", stopDocker);
  await steps.step("containerd", stopContainerd);
  await steps.step("network", removeNetwork);
  await steps.step("stand-ins", async () => {
    await Promise.all(processNames().map((name) => stopProcess(name)));
  });
  await steps.step("files", async () => rmSync(stateDir, { recursive: true }));
  return 0;
}
