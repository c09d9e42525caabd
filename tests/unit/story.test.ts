import assert from "node:assert/strict";
import type { Job } from "../../local/github/types";
import { verdictOf } from "../../local/story";

describe("the verdict of `npm start`", () => {
  const job = { sha: "b".repeat(40), conclusion: "success" } as Job;
  const old = { revision: "a".repeat(40), archiveMd5: "old", schedules: [] };
  const fresh = { revision: job.sha as string, archiveMd5: "new", schedules: [] };

  it("is pushed when the server serves the job's commit and did not before", () => {
    assert.equal(verdictOf({ job, before: old, after: fresh }), "pushed");
    assert.equal(verdictOf({ job, after: fresh }), "pushed");
  });

  it("is unchanged when the server served these bytes already", () => {
    assert.equal(verdictOf({ job, before: old, after: old }), "unchanged");
  });

  it("is failed when the job failed, whatever the server serves", () => {
    assert.equal(verdictOf({ job: { ...job, conclusion: "failure" }, after: fresh }), "failed");
  });

  it("is failed when the job says success but the server serves something else", () => {
    assert.equal(verdictOf({ job, before: old, after: { ...old, archiveMd5: "other" } }), "failed");
    assert.equal(verdictOf({ job, before: old }), "failed");
  });
});
