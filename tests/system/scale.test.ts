import assert from "node:assert/strict";
import { gitHub, jobCompleted } from "../../local/gitHubControl";
import { Pool, podOf } from "../faults/pool";
import { PoolDigdag } from "../faults/poolDigdag";
import { requireLocalSystem, until } from "./support";

describe("scaling in while jobs run", function () {
  this.timeout(300_000);
  let digdag: PoolDigdag;
  let pool: Pool;

  before(async () => {
    requireLocalSystem();
    digdag = await PoolDigdag.start();
    const pace = { maxJobMinutes: 2, brokerVariables: { GITHUB_POLL_SECONDS: "3" } };
    pool = await Pool.create({
      environment: "scale",
      campaign: "faults",
      digdagEndpoint: digdag.url,
      replicas: 4,
      ...pace,
    });
    await pool.settled(180);
  });

  after(async () => {
    await pool?.destroy();
    await digdag?.close();
  });

  it("loses no job, although a busy runner is taken", async () => {
    const jobs = await Promise.all([1, 2, 3].map(() => pool.queue(["sleep 20; echo finished"])));
    const running = await until("three jobs run", 60, async () => {
      const now = await Promise.all(jobs.map(({ id }) => gitHub.job(id)));
      return now.every(({ status }) => status === "in_progress") && now;
    });

    // Two of four go, and one is idle: whichever the ReplicaSet takes, a busy one is among them.
    await pool.deploy({ replicas: 2 });
    const leaving = await until("two Pods are asked to end", 30, async () => {
      const pods = await pool.pods();
      const staying = pods.filter(({ metadata }) => !metadata.deletionTimestamp);
      return staying.length === 2 && pods.filter(({ metadata }) => metadata.deletionTimestamp);
    });
    const busyAndLeaving = running.filter(({ runnerName }) => podOf(leaving, runnerName ?? ""));
    assert.ok(busyAndLeaving.length >= 1, "only idle runners left, so nothing is shown");

    for (const { id } of jobs) {
      const job = await jobCompleted(id, 90);
      assert.equal(job.conclusion, "success", job.log);
      assert.match(job.log, /finished/);
    }
    await pool.settled(90);
    const next = await Promise.all([pool.queue(["true"]), pool.queue(["true"])]);
    for (const { id } of next) assert.equal((await jobCompleted(id, 60)).conclusion, "success");
  });
});
