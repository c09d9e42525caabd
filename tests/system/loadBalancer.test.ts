import assert from "node:assert/strict";
import { jobCompleted } from "../../local/gitHubControl";
import { example, queueDeployJob } from "../../local/job";
import {
  admitted,
  onlineRunners,
  pulumi,
  removeRules,
  requireLocalSystem,
  settingsOf,
  stack,
} from "./support";

async function deployExample() {
  const { id } = await queueDeployJob({
    directory: example.directory,
    label: stack,
    extraFiles: { "deployment.txt": new Date().toISOString() },
  });
  return jobCompleted(id, 120);
}

describe("a rule that somebody removed from the ALB's security group", () => {
  before(requireLocalSystem);
  beforeEach(async () => {
    await pulumi("up", stack, ["--refresh"]);
    await onlineRunners(1);
  });
  after(() => pulumi("up", stack, ["--refresh"]));

  it("makes the next push fail with the layer, the endpoint and the address it leaves from", async () => {
    await removeRules(stack);
    // The proxy's view of the group is as old as its last look.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const job = await deployExample();
    assert.equal(job.conclusion, "failure", job.log);
    assert.match(job.log, /TCP/);
    assert.ok(job.log.includes(new URL(settingsOf(stack).digdagEndpoint).host), job.log);
    assert.match(job.log, /203\.0\.113\.10|198\.51\.100\.20/);
  });

  it("comes back with `pulumi up --refresh`, and the next push passes", async () => {
    const rules = await admitted(stack);
    assert.equal(rules.length, 2);
    await removeRules(stack);
    assert.deepEqual(await admitted(stack), []);
    await pulumi("up", stack, ["--refresh"]);
    assert.deepEqual(await admitted(stack), rules);
    const job = await deployExample();
    assert.equal(job.conclusion, "success", job.log);
  });
});
