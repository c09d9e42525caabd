import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stateDir } from "../../../local/lib/paths";
import { runTheft, type TheftOptions, withstood } from "./campaign";
import { tellTheft } from "./table";

/** What the theft campaign found; see `TheftReport`. */
export const theftFile = join(stateDir, "theft.json");

/** Runs the theft campaign, writes its report and prints it. @returns the exit code: 1 unless every attempt was refused and proven */
export async function theftCommand({ json, ...options }: TheftOptions & { json?: boolean }): Promise<number> {
  const report = await runTheft(options);
  writeFileSync(theftFile, `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(json ? JSON.stringify(report) : `\n${tellTheft(report)}`);
  return withstood(report) ? 0 : 1;
}
