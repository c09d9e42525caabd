import assert from "node:assert/strict";
import { gitHub, jobCompleted } from "../../local/gitHubControl";
import { get, onlineRunners, pulumi, queue, requireLocalSystem, stack, until } from "./support";

interface PodList {
  items: {
    metadata: { name: string; deletionTimestamp?: string };
    spec: { containers: { image: string }[] };
  }[];
}

const pods = async () => (await get<PodList>("pods")).items;

describe("rolling out a new image while a job runs", () => {
  before(async () => {
    requireLocalSystem();
    await onlineRunners(1);
  });
  after(async () => {
    await pulumi("up", stack);
    await onlineRunners(1);
  });

  it("lets the job end in success, then removes its Pod, and leaves no ghost on GitHub", async () => {
    const [old] = await pods();
    const { id } = await queue("sleep 45; echo finished");
    await until("the job runs", 60, async () => (await gitHub.job(id)).status === "in_progress");

    // Another version of the runner is another image; where it is downloaded from is the local system's business.
    const version = {
      runnerVersion: "2.337.1",
      runnerUrl: "https://example.com/runner.tar.gz",
      runnerSha256: "a".repeat(64),
    };
    const args = Object.entries(version).flatMap(([key, value]) => [
      "--config",
      `digdag-runner:${key}=${value}`,
    ]);
    await pulumi("up", stack, args);

    const job = await jobCompleted(id, 120);
    assert.equal(job.conclusion, "success", job.log);
    assert.match(job.log, /finished/);
    const left = await until("the old Pod is gone", 90, async () => {
      const now = await pods();
      return now.every(({ metadata }) => metadata.name !== old?.metadata.name) && now;
    });
    assert.equal(left.length, 1);
    assert.notEqual(left[0]?.spec.containers[0]?.image, old?.spec.containers[0]?.image);
    const [runner, ...others] = await onlineRunners(1);
    assert.deepEqual(others, []);
    assert.ok(runner?.name.includes(left[0]?.metadata.name as string), runner?.name);
  });
});
