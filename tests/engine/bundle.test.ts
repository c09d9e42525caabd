import assert from "node:assert/strict";
import { type Network, readNetwork } from "../../local/aws/account";
import { assertHidden } from "../hidden";
import { Account, COMMAND_MS, SETUP_MS } from "./account";
import { assertEncrypted } from "./credentialTraces";
import { PulumiProject, type Result } from "./pulumiProject";

describe("the real engine against an emulated account", () => {
  let account: Account;

  before(async function () {
    this.timeout(SETUP_MS);
    account = await Account.start();
  });

  after(() => account?.stop());

  describe("deploys the stack stg", () => {
    let network: Network;
    let project: PulumiProject;
    let first: Result;

    before(async function () {
      this.timeout(SETUP_MS);
      network = await account.reset();
      project = await PulumiProject.create(account, "stg");
      first = await project.run("up", "--yes", "--skip-preview");
      assert.equal(first.code, 0, first.output);
    });

    after(() => project?.remove());

    const rules = () => account.ingressRules(network.groups["digdag-stg"] ?? []);

    /** The group admits the NAT addresses that the account has now, and nothing else. */
    async function assertOnlyNatAddressesAllowed(): Promise<void> {
      const { natAddresses } = await readNetwork(account.clients, Object.keys(network.groups));
      const allowed = (await rules()).map(({ CidrIpv4 }) => CidrIpv4).sort();
      assert.deepEqual(allowed, natAddresses.map((address) => `${address}/32`).sort());
    }

    it("creates the whole bundle", async () => {
      const created = first.steps.filter(({ op }) => op === "create").map(({ type }) => type);
      for (const type of [
        "aws:ecr/repository:Repository",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "docker:index/image:Image",
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:Secret",
        "kubernetes:core/v1:ServiceAccount",
        "kubernetes:policy/v1:PodDisruptionBudget",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:apps/v1:Deployment",
      ]) {
        assert.equal(created.filter((candidate) => candidate === type).length, 1, `${type} in ${created}`);
      }
      await assertOnlyNatAddressesAllowed();
    });

    it("changes nothing in a second run", async () => {
      const second = await project.run("up", "--yes", "--skip-preview", "--expect-no-changes");
      assert.equal(second.code, 0, second.output);
      assert.deepEqual(second.steps, []);
    }).timeout(COMMAND_MS);

    it("keeps the private key of its App out of state, event log and output", () =>
      assertEncrypted(account.credentials.stg, project, first));
  });

  describe("in an empty stack", () => {
    before(async function () {
      this.timeout(SETUP_MS);
      await account.reset();
    });

    it("previews prd without creating anything", async () => {
      const project = await PulumiProject.create(account, "prd");
      try {
        const preview = await project.run("preview");
        assert.equal(preview.code, 0, preview.output);
        assert.ok(resourceTypes(preview).includes("kubernetes:apps/v1:Deployment"), preview.output);
        assert.ok(preview.steps.every(({ op }) => op === "create"));
        const { output, events } = preview;
        assertHidden([account.credentials.prd ?? ""], { output, events });
        assert.deepEqual(await project.resources(), []);
      } finally {
        await project.remove();
      }
    }).timeout(COMMAND_MS);

    it("registers nothing for a wrong configuration and names every problem in one message", async () => {
      const project = await PulumiProject.create(account, "prd", {
        "digdag-runner:clusterName": undefined,
        "digdag-runner:digdagEndpoint": "http://digdag.example.com",
        "digdag-runner:githubTokenParameter": "/digdag-runner/prd/github-token",
        "digdag-runner:natAddresses": ["0.0.0.0/0"],
        "digdag-runner:replicas": 0,
      });
      try {
        const refused = await project.run("up", "--yes", "--skip-preview");
        assert.notEqual(refused.code, 0, refused.output);
        for (const key of [
          "clusterName",
          "digdagEndpoint",
          "githubTokenParameter",
          "natAddresses",
          "replicas",
        ]) {
          assert.ok(refused.output.includes(key), `${key} is not named in:\n${refused.output}`);
        }
        assert.deepEqual(resourceTypes(refused), []);
        assert.deepEqual(await project.resources(), []);
      } finally {
        await project.remove();
      }
    }).timeout(COMMAND_MS);

    it("refuses an AWS account that the stack does not allow", async () => {
      const project = await PulumiProject.create(account, "prd", {
        "aws:allowedAccountIds": ["999999999999"],
      });
      try {
        const refused = await project.run("preview");
        assert.notEqual(refused.code, 0, refused.output);
        assert.match(refused.output, /AWS account ID not allowed: 123456789012/);
      } finally {
        await project.remove();
      }
    }).timeout(COMMAND_MS);

    it("keeps a token hidden, and leaves nothing after a destroy, not even of what podPerJob adds", async () => {
      const project = await PulumiProject.create(account, "local", { "digdag-runner:podPerJob": true });
      try {
        const up = await project.run("up", "--yes", "--skip-preview");
        assert.equal(up.code, 0, up.output);
        await assertEncrypted(account.credentials.local, project, up);
        const policy = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy";
        assert.ok((await project.resources()).includes(policy), up.output);
        const again = await project.run("up", "--yes", "--skip-preview", "--expect-no-changes");
        assert.equal(again.code, 0, again.output);
        const destroyed = await project.run("destroy", "--yes", "--skip-preview");
        assert.equal(destroyed.code, 0, destroyed.output);
        assert.deepEqual(await project.resources(), []);
      } finally {
        await project.remove();
      }
    }).timeout(COMMAND_MS);
  });
});

/** Types of what a command would change or changed, without the stack itself and providers. */
function resourceTypes(result: Result): string[] {
  return result.steps.map(({ type }) => type).filter((type) => !/^(pulumi:|digdag-runner:)/.test(type));
}
