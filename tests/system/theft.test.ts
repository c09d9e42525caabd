import assert from "node:assert/strict";
import { attempts } from "../faults/theft/attempts";
import { runTheft, type TheftReport } from "../faults/theft/campaign";
import { requireLocalSystem } from "./support";

describe("jobs that try to steal", function () {
  this.timeout(300_000);
  let report: TheftReport;
  const progress: string[] = [];
  before(async () => {
    requireLocalSystem();
    report = await runTheft({ short: true, report: (line) => progress.push(line) });
  });

  for (const { name, weakenedBy } of attempts.filter(({ short }) => short)) {
    it(`are refused, and would not be with a ${weakenedBy.name}: ${name}`, () => {
      const result = report.attempts.find(({ attempt }) => attempt === name);
      assert.ok(result?.refused, `${result?.detail}\n${progress.join("\n")}`);
      assert.equal(result.proofMissing, undefined, progress.join("\n"));
    });
  }
});
