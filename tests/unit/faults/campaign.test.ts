import assert from "node:assert/strict";
import type { Job } from "../../../local/github/types";
import { plan } from "../../faults/campaign";
import { catalogue } from "../../faults/catalogue";
import { hasBegun } from "../../faults/jobFlow";
import { podOf } from "../../faults/pool";
import { allPassed, makeReport, tellReport } from "../../faults/report";
import { type CaseResult, isLost, lastWords } from "../../faults/runCase";

const job = (change: Partial<Job>): Job => ({
  id: 1,
  repository: "acme/etl",
  labels: [],
  steps: [],
  status: "completed",
  conclusion: "success",
  log: "",
  summary: "",
  createdAt: "",
  ...change,
});

const passed: CaseResult = {
  fault: "API 500",
  moment: "idle",
  pool: "f1",
  jobs: 4,
  lost: 0,
  ghosts: 0,
  recoverySeconds: 1.5,
  passed: true,
  ended: { success: 4, failure: 0, cancelled: 0 },
  seconds: 20,
};

describe("fault campaign", () => {
  it("knows at least 45 kinds of faults, each by a name of its own and with a moment", () => {
    assert.ok(catalogue.length >= 45, String(catalogue.length));
    assert.equal(new Set(catalogue.map(({ name }) => name)).size, catalogue.length);
    assert.ok(catalogue.every(({ moments }) => moments.length > 0));
  });

  it("plans the same cases for the same seed, and others for another", () => {
    const names = (seed: number) =>
      plan({ seed, times: 3 }).map(({ fault, moment, seed }) => `${fault.name} ${moment} ${seed}`);
    assert.deepEqual(names(7), names(7));
    assert.notDeepEqual(names(7), names(8));
  });

  it("plans each fault as often as asked, at no moment twice before all were there", () => {
    const cases = plan({ seed: 1, times: 3 });
    for (const fault of catalogue) {
      const drawn = cases.filter((each) => each.fault === fault).map(({ moment }) => moment);
      assert.equal(drawn.length, 3, fault.name);
      assert.equal(new Set(drawn).size, Math.min(3, fault.moments.length), fault.name);
    }
    assert.ok(
      plan({ seed: 1, times: 1, only: /^API 5/ }).every(({ fault }) => fault.name.startsWith("API 5")),
    );
  });

  it("counts a job as lost unless it succeeded, or ended where the fault destroyed what ran it", () => {
    assert.equal(isLost(job({}), new Set()), false);
    for (const conclusion of ["failure", "cancelled"] as const) {
      assert.equal(isLost(job({ conclusion }), new Set()), true);
      assert.equal(isLost(job({ conclusion }), new Set([1])), false);
    }
    for (const status of ["queued", "in_progress"] as const) {
      assert.equal(isLost(job({ status, conclusion: undefined }), new Set([1])), true, status);
    }
  });

  it("tells a step's own output from the script that the log repeats", () => {
    const script = "##[group]Run step 1\necho begun; sleep 1\n##[endgroup]\n";
    const status = "in_progress";
    assert.equal(hasBegun(job({ status, log: script })), false);
    assert.equal(hasBegun(job({ status, log: `${script}begun\n` })), true);
    assert.equal(lastWords("a\nb \n\n"), "a b");
  });

  it("knows the Pod of a registration by its name", () => {
    const pod = (name: string) => ({ metadata: { name } }) as never;
    const pods = [pod("digdag-runner-1"), pod("digdag-runner-12")];
    assert.equal(podOf(pods, "digdag-f1.digdag-runner-12.0tp11x7wtw4bq"), pods[1]);
    assert.equal(podOf(pods, "digdag-f1.digdag-runner-3.0tp11x7wtw4bq"), undefined);
  });

  it("has passed only when every case has, no job was lost, no ghost is left and there was a case", () => {
    assert.equal(allPassed(makeReport(1, 60, [passed])), true);
    assert.equal(allPassed(makeReport(1, 60, [])), false);
    for (const bad of [{ passed: false }, { lost: 1 }, { ghosts: 1 }]) {
      assert.equal(allPassed(makeReport(1, 60, [passed, { ...passed, ...bad }])), false);
    }
    const { lost, ghosts } = makeReport(1, 60, [passed, { ...passed, lost: 2, ghosts: 1 }]);
    assert.deepEqual([lost, ghosts], [2, 1]);
  });

  it("tells one row for each fault", () => {
    const failed = { ...passed, moment: "draining" as const, passed: false, recoverySeconds: null };
    const text = tellReport(makeReport(1, 60, [passed, failed]));
    assert.match(text, /API 500 +1\/2 +8 +0 +0 +1\.5 +idle, draining/);
    assert.match(text, /1 kinds of faults, 2 cases, 8 jobs, seed 1, 1\.0 minutes/);
  });
});
