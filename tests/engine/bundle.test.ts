import assert from "node:assert/strict";
import {
  AllocateAddressCommand,
  CreateNatGatewayCommand,
  DeleteNatGatewayCommand,
  DescribeNatGatewaysCommand,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { type Network, readNetwork } from "../../local/aws/account";
import { Account, COMMAND_MS, SETUP_MS } from "./account";
import { assertHidden, partsOf } from "./credentialTraces";
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
      assertHidden(account.credentials.stg, project, first));

    it("brings back a rule that was deleted by hand, with a refresh", async () => {
      const [deleted] = await rules();
      await account.clients.ec2.send(
        new RevokeSecurityGroupIngressCommand({
          GroupId: deleted?.GroupId,
          SecurityGroupRuleIds: [deleted?.SecurityGroupRuleId ?? ""],
        }),
      );
      const repaired = await project.run("up", "--yes", "--skip-preview", "--refresh");
      assert.equal(repaired.code, 0, repaired.output);
      assert.deepEqual(
        repaired.steps.map(({ op, type }) => `${op} ${type}`),
        ["create aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"],
      );
      await assertOnlyNatAddressesAllowed();
    }).timeout(COMMAND_MS);

    it("changes only rules when a NAT address changes", async () => {
      await replaceNatGateway(account, "203.0.113.99");
      const moved = await project.run("up", "--yes", "--skip-preview");
      assert.equal(moved.code, 0, moved.output);
      assert.deepEqual(
        [...new Set(resourceTypes(moved))],
        ["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"],
      );
      await assertOnlyNatAddressesAllowed();
    }).timeout(COMMAND_MS);
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
        for (const part of partsOf(account.credentials.prd)) {
          assert.ok(!preview.output.includes(part) && !preview.events.includes(part));
        }
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

    it("destroys nothing of prd while its images are protected, and all but their repository without them", async () => {
      const project = await PulumiProject.create(account, "prd");
      try {
        const up = await project.run("up", "--yes", "--skip-preview");
        assert.equal(up.code, 0, up.output);
        const all = await project.resources();
        // It is the preview that stops the command: without one, everything else would be gone by then.
        const refused = await project.run("destroy", "--yes");
        assert.notEqual(refused.code, 0, refused.output);
        assert.match(
          refused.output,
          /digdag-runner-image-repository" cannot be deleted\s+because it is protected/,
        );
        assert.deepEqual(await project.resources(), all);
        const destroyed = await project.run("destroy", "--yes", "--skip-preview", "--exclude-protected");
        assert.equal(destroyed.code, 0, destroyed.output);
        const kept = (await project.resources()).filter((type) => !/^(pulumi:|digdag-runner:)/.test(type));
        assert.deepEqual(kept, ["aws:ecr/repository:Repository"]);
        const again = await project.run("up", "--yes", "--skip-preview");
        assert.equal(again.code, 0, again.output);
        assert.ok(!resourceTypes(again).includes("aws:ecr/repository:Repository"), again.output);
      } finally {
        await project.remove();
        await account.reset();
      }
    }).timeout(COMMAND_MS);

    it("keeps a token out of state, event log and output", async () => {
      const project = await PulumiProject.create(account, "local");
      try {
        const up = await project.run("up", "--yes", "--skip-preview");
        assert.equal(up.code, 0, up.output);
        await assertHidden(account.credentials.local, project, up);
      } finally {
        await project.remove();
        await account.reset();
      }
    }).timeout(COMMAND_MS);

    it("leaves nothing after a destroy, not even of what podPerJob adds", async () => {
      const project = await PulumiProject.create(account, "local", { "digdag-runner:podPerJob": true });
      try {
        const up = await project.run("up", "--yes", "--skip-preview");
        assert.equal(up.code, 0, up.output);
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

/** Gives the account another NAT gateway, at `address`, instead of its first one. */
async function replaceNatGateway({ clients: { ec2 } }: Account, address: string): Promise<void> {
  const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand({}));
  const old = NatGateways?.find(({ State }) => State === "available");
  assert.ok(old, "the account has no NAT gateway");
  const { AllocationId } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc", Address: address }));
  await ec2.send(new CreateNatGatewayCommand({ SubnetId: old.SubnetId, AllocationId }));
  await ec2.send(new DeleteNatGatewayCommand({ NatGatewayId: old.NatGatewayId }));
}
