import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../local/lib/paths";
import { run } from "../../local/lib/run";
import { withTypeScript } from "../../local/lib/typescript";
import type { CampaignReport } from "../faults/report";
import type { SoakReport } from "../faults/soakReport";
import { requireLocalSystem } from "./support";

/** `npm run faults`, whose last line of output is its report. Progress goes to standard error. */
async function faults<T>(...args: string[]): Promise<T> {
  const program = [...withTypeScript, join(root, "tests", "faults", "main.ts")];
  const { stdout, stderr } = await run(process.execPath, [...program, ...args, "--json"], {
    cwd: root,
    allowFailure: true,
    timeoutSeconds: 280,
  });
  const report = stdout.trimEnd().split("\n").at(-1);
  if (!report?.startsWith("{")) throw new Error(`the campaign made no report: ${stderr}`);
  return JSON.parse(report) as T;
}

/** One of each family, none of which takes long. */
const chosen = [
  "API 500",
  "API loses the answer to a registration",
  "listener hangs",
  "SIGTERM of the supervisor",
  "SIGKILL of the supervisor",
  "SIGKILL of the broker",
  "Pod deleted by force, without grace",
  "Pod evicted through the API",
  "roll-out of another configuration",
  "job out of memory",
  "job leaves daemons behind",
  "Digdag down",
];

describe("runners that are broken while jobs flow", function () {
  this.timeout(300_000);
  let report: CampaignReport;
  before(async () => {
    requireLocalSystem();
    report = await faults<CampaignReport>("--times", "1", "--only", `^(${chosen.join("|")})$`);
  });

  for (const fault of chosen) {
    it(`come back and lose no job: ${fault}`, () => {
      const cases = report.cases.filter((one) => one.fault === fault);
      assert.equal(cases.length, 1);
      for (const { passed, moment, note } of cases) {
        assert.ok(passed, `seed ${report.seed}, ${moment}: ${note}`);
      }
    });
  }

  it("leave no ghost on GitHub", () => assert.deepEqual([report.lost, report.ghosts], [0, 0]));
});

describe("four runners with many short jobs", function () {
  this.timeout(300_000);

  it("lose none, and leave no ghost", async () => {
    requireLocalSystem();
    const report = await faults<SoakReport>("--soak", "40");
    assert.deepEqual([report.jobs, report.lost, report.ghosts], [40, 0, 0]);
    assert.ok((report.apiCallsPerJob.all ?? 0) > 0, "the brokers' metrics count no call to GitHub");
  });
});
