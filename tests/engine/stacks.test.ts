import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeRepositoriesCommand, ListTagsForResourceCommand } from "@aws-sdk/client-ecr";
import type { Network } from "../../local/aws/account";
import { MemoryCluster } from "../../local/providers/kubernetes/memoryCluster";
import type { Intercept } from "../../local/providers/protocol";
import { Account, SETUP_MS } from "./account";
import { moments } from "./eventLog";
import { PulumiProject, type Result } from "./pulumiProject";

const drainMs = 1_000;

/** Runners go when their jobs have ended: what does not wait for them is deleted meanwhile. */
const drainSlowly: Intercept = async ({ operation, urn }, proceed) => {
  if (operation === "delete" && urn.includes(":Deployment::")) await sleep(drainMs);
  return proceed();
};

type Stack = "stg" | "prd" | "local";
const stackTag = "digdag-runner:stack";

describe("on the real engine, environments in one account and one cluster", function () {
  this.timeout(SETUP_MS);
  const cluster = new MemoryCluster();
  let account: Account;
  let network: Network;
  let project: PulumiProject;

  before(async () => {
    account = await Account.start();
    network = await account.reset();
    project = await PulumiProject.create(account, "stg", {}, { cluster, intercept: drainSlowly });
    for (const stack of ["prd", "local"]) await project.run("stack", "init", stack);
    const both = await Promise.all([up("stg"), up("prd")]);
    for (const { code, output } of both) assert.equal(code, 0, output);
  });
  after(async () => {
    await project?.remove();
    await account?.stop();
  });

  const up = (stack: Stack, ...args: string[]) =>
    project.run("up", "--yes", "--skip-preview", "--stack", stack, ...args);
  const destroy = (stack: Stack, ...args: string[]) =>
    project.run("destroy", "--yes", "--stack", stack, ...args);

  /** All that a stack has, by what tells it from other things of its kind, with what a change or a restart would change. */
  async function worldOf(stack: Stack): Promise<Record<string, unknown>> {
    const rules = (await account.ingressRules(Object.values(network.groups).flat())).filter(({ Tags }) =>
      Tags?.some(({ Key, Value }) => Key === stackTag && Value === stack),
    );
    const objects = cluster
      .all()
      .filter(({ metadata: { name, namespace } }) => (namespace ?? name) === `digdag-runner-${stack}`);
    return Object.fromEntries([
      ...rules.map((rule) => [`rule ${rule.SecurityGroupRuleId}`, rule]),
      ...(await repositoriesOf(stack)).map(({ repositoryName, createdAt }) => [
        `repository ${repositoryName}`,
        createdAt,
      ]),
      ...objects.map((object) => [`${object.kind} ${object.metadata.uid}`, object]),
    ]);
  }

  async function repositoriesOf(stack: Stack) {
    const { ecr } = account.clients;
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
    const owned = await Promise.all(
      repositories.map(async ({ repositoryArn: resourceArn }) => {
        const { tags } = await ecr.send(new ListTagsForResourceCommand({ resourceArn }));
        return tags?.some(({ Key, Value }) => Key === stackTag && Value === stack);
      }),
    );
    return repositories.filter((_, index) => owned[index]);
  }

  const kindsOf = (world: Record<string, unknown>) =>
    [...new Set(Object.keys(world).map((key) => key.split(" ")[0]))].sort();

  /** Runs `work`, and asserts that nothing of these stacks is another thing, another version or gone after it. */
  async function leavingAlone(stacks: Stack[], work: () => Promise<void>): Promise<void> {
    const before = await Promise.all(stacks.map(worldOf));
    await work();
    assert.deepEqual(await Promise.all(stacks.map(worldOf)), before);
  }

  const complete = [
    "Deployment",
    "Namespace",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Secret",
    "ServiceAccount",
    "repository",
    "rule",
  ];

  it("are each complete when they are deployed at the same time, and share nothing", async () => {
    const [stg, prd] = [await worldOf("stg"), await worldOf("prd")];
    assert.deepEqual(kindsOf(stg), complete);
    assert.deepEqual(kindsOf(prd), complete);
    const groups = (await account.ingressRules(Object.values(network.groups).flat())).map(
      ({ GroupId, Tags }) => `${GroupId} ${Tags?.find(({ Key }) => Key === stackTag)?.Value}`,
    );
    const own = (stack: Stack) => `${network.groups[`digdag-${stack}`]?.[0]} ${stack}`;
    assert.deepEqual(groups.sort(), [own("stg"), own("stg"), own("prd"), own("prd")].sort());
    assert.equal(cluster.all().length, 12);
  });

  it("are joined by a third, which changes nothing of theirs", () =>
    leavingAlone(["stg", "prd"], async () => {
      const added = await up("local");
      assert.equal(added.code, 0, added.output);
      assert.deepEqual(kindsOf(await worldOf("local")), complete);
    }));

  describe("when one is destroyed", () => {
    let destroyed: Result;

    it("loses that one whole, and nothing of the others", () =>
      leavingAlone(["prd", "local"], async () => {
        destroyed = await destroy("stg", "--skip-preview");
        assert.equal(destroyed.code, 0, destroyed.output);
        assert.deepEqual(await worldOf("stg"), {});
        assert.deepEqual(await project.resources("stg"), []);
      }));

    it("lets its runners deregister first, while they still have credential, rules and namespace", () => {
      const deleted = moments(destroyed.events).filter(({ op }) => op === "delete");
      const index = (at: string, type: string) =>
        deleted.findIndex((moment) => moment.at === at && moment.type.endsWith(`:${type}`));
      const runnersGone = index("end", "Deployment");
      assert.ok(runnersGone > 0, destroyed.output);
      for (const type of [
        "SecurityGroupIngressRule",
        "Secret",
        "NetworkPolicy",
        "ServiceAccount",
        "Namespace",
        "Image",
      ]) {
        assert.ok(index("begin", type) > runnersGone, `${type} went before the runners were gone`);
      }
    });
  });

  describe("when that is prd", () => {
    it("loses nothing while the images are protected", () =>
      leavingAlone(["prd", "local"], async () => {
        const all = await project.resources("prd");
        // It is the preview that stops the command: without one, everything else would be gone by then.
        const refused = await destroy("prd");
        assert.notEqual(refused.code, 0, refused.output);
        assert.match(
          refused.output,
          /digdag-runner-image-repository" cannot be deleted\s+because it is protected/,
        );
        assert.deepEqual(await project.resources("prd"), all);
      }));

    it("keeps the images with --exclude-protected, and goes on with them afterwards", () =>
      leavingAlone(["local"], async () => {
        const destroyed = await destroy("prd", "--skip-preview", "--exclude-protected");
        assert.equal(destroyed.code, 0, destroyed.output);
        const kept = await worldOf("prd");
        assert.deepEqual(kindsOf(kept), ["repository"]);
        const again = await up("prd");
        assert.equal(again.code, 0, again.output);
        assert.ok(!again.steps.some(({ type }) => type === "aws:ecr/repository:Repository"), again.output);
        assert.deepEqual(kindsOf(await worldOf("prd")), complete);
      }));
  });
});
