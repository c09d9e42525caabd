import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stateDir } from "../../local/lib/paths";
import { kubectl } from "./cluster";
import { askBroker } from "./metrics";
import type { Pool } from "./pool";
import type { CaseResult } from "./runCase";

/** Where what was seen at the end of each failed case is kept. */
export const diagnosisDir = join(stateDir, "logs", "faults");

/** Keeps what a person needs to understand a failed case, before the pool is made anew. */
export async function saveDiagnosis(result: CaseResult, pool: Pool): Promise<void> {
  mkdirSync(diagnosisDir, { recursive: true });
  const { namespace } = pool;
  const pods = await pool.pods();
  const logs = pods.flatMap(({ metadata: { name } }) =>
    ["broker", "runner"].flatMap((container) =>
      [[], ["--previous"]].map(async (more) => {
        const args = ["logs", name, "--namespace", namespace, "--container", container, "--tail=80", ...more];
        const { stdout, code } = await kubectl(args, { allowFailure: true });
        return code === 0 ? `== ${name} ${container} ${more.join("")}\n${stdout}` : "";
      }),
    ),
  );
  const text = [
    JSON.stringify(result, null, 2),
    JSON.stringify(await pool.runners(), null, 2),
    ...(await Promise.all(pods.map(async (pod) => `== readyz: ${await askBroker(pod, "readyz")}`))),
    (await kubectl(["describe", "pods", "--namespace", namespace])).stdout,
    ...(await Promise.all(logs)),
  ].join("\n");
  const name = `${result.fault} ${result.moment} ${Date.now()}`.replaceAll(/[^A-Za-z0-9]+/g, "-");
  writeFileSync(join(diagnosisDir, `${name}.log`), text);
}
