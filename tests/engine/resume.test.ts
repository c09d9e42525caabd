import assert from "node:assert/strict";
import { DeleteRepositoryCommand, DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import type { Network } from "../../local/aws/account";
import { MemoryCluster } from "../../local/providers/kubernetes/memoryCluster";
import type { Intercept } from "../../local/providers/protocol";
import { Account, SETUP_MS } from "./account";
import { moments } from "./eventLog";
import { PulumiProject, type Result } from "./pulumiProject";

const apply = ["up", "--yes", "--skip-preview"];

describe("on the real engine, an up that did not come through", function () {
  this.timeout(SETUP_MS);
  let account: Account;
  let network: Network;
  let cluster: MemoryCluster;
  let project: PulumiProject;
  let intercept: Intercept;

  const never = new Promise<never>(() => {});
  const letThrough: Intercept = (_change, proceed) => proceed();

  before(async () => {
    account = await Account.start();
  });
  after(() => account?.stop());

  beforeEach(async () => {
    network = await account.reset();
    cluster = new MemoryCluster();
    intercept = letThrough;
    project = await PulumiProject.create(
      account,
      "stg",
      {},
      { cluster, intercept: (change, proceed) => intercept(change, proceed) },
    );
  });
  afterEach(() => project?.remove());

  const created = ({ steps }: Result) => steps.filter(({ op }) => op === "create").map(({ name }) => name);

  /** All that the stack is, each once. */
  async function assertComplete(): Promise<void> {
    const rules = await account.ingressRules(network.groups["digdag-stg"] ?? []);
    assert.deepEqual(rules.map(({ CidrIpv4 }) => CidrIpv4).sort(), ["198.51.100.20/32", "203.0.113.10/32"]);
    const { repositories } = await account.clients.ecr.send(new DescribeRepositoriesCommand({}));
    assert.equal(repositories?.length, 1);
    const kinds = cluster.all().map(({ kind }) => kind);
    assert.deepEqual(kinds.sort(), [
      "Deployment",
      "Namespace",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Secret",
      "ServiceAccount",
    ]);
  }

  const assertSettled = async () => {
    const settled = await project.run(...apply, "--refresh", "--expect-no-changes");
    assert.equal(settled.code, 0, settled.output);
  };

  it("because AWS refused something, goes on with what is missing", async () => {
    intercept = async ({ operation, urn }, proceed) => {
      if (operation === "create" && urn.endsWith("-image-repository"))
        throw new Error("LimitExceededException: no more repositories");
      return proceed();
    };
    const failed = await project.run(...apply);
    assert.notEqual(failed.code, 0);
    assert.match(failed.output, /digdag-runner-image-repository\):\s+error: LimitExceededException: no more/);
    assert.ok(
      !created(failed).includes("digdag-runner-deployment-runners"),
      "it deployed Pods without an image",
    );
    intercept = letThrough;
    const made = moments(failed.events).flatMap(({ at, op, name }) =>
      at === "end" && op === "create" ? [name] : [],
    );
    assert.ok(made.includes("digdag-runner-namespace"), failed.output);
    const resumed = await project.run(...apply);
    assert.equal(resumed.code, 0, resumed.output);
    for (const { op, name } of resumed.steps)
      assert.ok(op === "create" && !made.includes(name), `${op} ${name}`);
    await assertComplete();
    await assertSettled();
  });

  it("because it was killed, goes on as the runbook says, with what was made while nobody could write it down", async () => {
    const [repository, secret] = ["-image-repository", "-secret-credential"];
    const held = new Set<string>();
    let bothHeld = () => {};
    const moment = new Promise<void>((resolve) => {
      bothHeld = resolve;
    });
    const hold = (name: string) => {
      held.add(name);
      if (held.size === 2) bothHeld();
      return never;
    };
    intercept = async ({ urn }, proceed) => {
      if (urn.endsWith(secret)) return hold(secret);
      const answer = await proceed();
      return urn.endsWith(repository) ? hold(repository) : answer;
    };
    await project.runUntil(moment, ...apply);
    intercept = letThrough;

    const locked = await project.run(...apply);
    assert.notEqual(locked.code, 0);
    assert.match(locked.output, /currently locked.*`pulumi cancel`/);
    const cancelled = await project.run("cancel", "--yes");
    assert.equal(cancelled.code, 0, cancelled.output);

    const pending = await project.pendingCreations();
    for (const name of held)
      assert.ok(
        pending.some((urn) => urn.endsWith(name)),
        pending.join("\n"),
      );
    await deleteWhatIsThere(pending);
    const cleared = await project.run("refresh", "--yes", "--skip-preview", "--clear-pending-creates");
    assert.equal(cleared.code, 0, cleared.output);
    const resumed = await project.run(...apply);
    assert.equal(resumed.code, 0, resumed.output);
    assert.doesNotMatch(resumed.output, /pending operations/);
    await assertComplete();
    await assertSettled();
  });

  /** The runbook's table: what stands in the way of making it again. */
  async function deleteWhatIsThere(urns: string[]): Promise<void> {
    for (const type of urns.map((urn) => urn.split("::")[2]?.split("$").at(-1) ?? "")) {
      if (type === "aws:ecr/repository:Repository")
        await account.clients.ecr.send(new DeleteRepositoryCommand({ repositoryName: "digdag-runner-stg" }));
      const object = cluster
        .all()
        .find(({ kind }) => type.startsWith("kubernetes:") && type.endsWith(`:${kind}`));
      if (object) await cluster.delete({ ...object, ...object.metadata });
    }
  }
});
