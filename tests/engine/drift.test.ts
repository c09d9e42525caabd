// biome-ignore-all lint/suspicious/noExplicitAny: objects of the cluster
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AllocateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateNatGatewayCommand,
  DeleteNatGatewayCommand,
  DescribeNatGatewaysCommand,
  RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { BatchDeleteImageCommand, BatchGetImageCommand, PutImageCommand } from "@aws-sdk/client-ecr";
import { parse } from "yaml";
import { type Network, readNetwork } from "../../local/aws/account";
import { root } from "../../local/lib/paths";
import { MemoryCluster } from "../../local/providers/kubernetes/memoryCluster";
import { Account, SETUP_MS } from "./account";
import { changes } from "./eventLog";
import { PulumiProject, type Result } from "./pulumiProject";

const ruleType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const everybody = "0.0.0.0/0";

/** The script of one step of the nightly workflow. */
function driftStep(name: string): string {
  const file = readFileSync(join(root, ".github", "workflows", "drift.yml"), "utf8");
  const { run, shell } = parse(file).jobs.drift.steps.find((step: any) => step.name === name);
  assert.equal(shell, "bash");
  return run;
}

describe("on the real engine, what somebody changed behind Pulumi's back", function () {
  this.timeout(SETUP_MS);
  const cluster = new MemoryCluster();
  const namespace = "digdag-runner-stg";
  let account: Account;
  let network: Network;
  let project: PulumiProject;

  before(async () => {
    account = await Account.start();
    network = await account.reset();
    project = await PulumiProject.create(account, "stg", { "digdag-runner:replicas": 2 }, { cluster });
    const first = await project.run("up", "--yes", "--skip-preview");
    assert.equal(first.code, 0, first.output);
  });
  after(async () => {
    await project?.remove();
    await account?.stop();
  });

  const GroupId = () => network.groups["digdag-stg"]?.[0] as string;
  const rules = () => account.ingressRules([GroupId()]);
  const deployment = () =>
    cluster.get({ apiVersion: "apps/v1", kind: "Deployment", namespace, name: "digdag-runner" }) as any;
  const secret = () =>
    cluster.get({ apiVersion: "v1", kind: "Secret", namespace, name: "github-app-credential" }) as any;
  const images = async () => {
    const { containers, initContainers } = (await deployment()).spec.template.spec;
    return [...initContainers, ...containers].map(({ image }: any) => image as string);
  };

  /** The NAT addresses that the account has now are admitted, and `others`. */
  async function assertAdmitted(...others: string[]): Promise<void> {
    const { natAddresses } = await readNetwork(account.clients, Object.keys(network.groups));
    const admitted = (await rules()).map(({ CidrIpv4 }) => CidrIpv4);
    assert.deepEqual(admitted.sort(), [...natAddresses.map((address) => `${address}/32`), ...others].sort());
  }

  describe("in the account and in the cluster", () => {
    let key: string;
    let deployed: string[];
    let repaired: Result;

    before(async () => {
      key = (await secret()).data["private-key.pem"];
      deployed = await images();
      await loseOneRule();
      await openToEverybody();
      await moveImageTag(deployed[0] as string);
      await cluster.apply({ ...(await secret()), data: { "private-key.pem": "bm90IHRoZSBrZXk=" } });
      const { spec, ...rest } = await deployment();
      await cluster.apply({ ...rest, spec: { ...spec, replicas: 0 } });
    });

    const expected = ["create SecurityGroupIngressRule", "update Deployment", "update Secret"];

    it("is found by the nightly comparison, which changes nothing", async () => {
      const compared = await project.run("preview", "--refresh", "--expect-no-changes");
      assert.notEqual(compared.code, 0, compared.output);
      assert.deepEqual(changes(compared), expected);
      assert.equal((await deployment()).spec.replicas, 0);
      assert.equal((await rules()).length, 2);
    });

    it("comes back with a refresh, and nothing else is touched", async () => {
      repaired = await project.run("up", "--yes", "--skip-preview", "--refresh");
      assert.equal(repaired.code, 0, repaired.output);
      assert.deepEqual(changes(repaired), expected);
      assert.equal((await secret()).data["private-key.pem"], key);
      assert.equal((await deployment()).spec.replicas, 2);
    });

    it("is left alone, and warned of, where it is a rule of somebody else's", async () => {
      await assertAdmitted(everybody);
      assert.match(
        repaired.output,
        /opens port 443 to 0\.0\.0\.0\/0, so Digdag is open to more than the runners/,
      );
      assert.match(repaired.output, /aws ec2 revoke-security-group-ingress --group-id sg-/);
    });

    it("has no effect where it is the image's tag: Pods run the digest that was deployed", async () => {
      for (const image of deployed) assert.match(image, /@sha256:[0-9a-f]{64}$/);
      assert.deepEqual(await images(), deployed);
    });

    it("fails the nightly job while Digdag is open to a range, and no longer", async () => {
      const script = driftStep("Is Digdag open to more than the runners?");
      const open = await project.bash(script, { STACK: "stg" });
      assert.equal(open.code, 1, open.output);
      const [rule] = (await rules()).filter(({ CidrIpv4 }) => CidrIpv4 === everybody);
      await revoke(rule?.SecurityGroupRuleId);
      const closed = await project.bash(script, { STACK: "stg" });
      assert.equal(closed.code, 0, closed.output);
    });

    it("is repaired for good: the nightly comparison finds nothing", async () => {
      const compared = await project.run("preview", "--refresh", "--expect-no-changes");
      assert.equal(compared.code, 0, compared.output);
    });
  });

  describe("in the network", () => {
    it("changes rules only when one NAT gateway is replaced and another added: no Pod restarts", async () => {
      const { metadata } = await deployment();
      const old = (await gateways()).find(({ State }) => State === "available");
      await addGateway("203.0.113.99", old?.SubnetId);
      await addGateway("203.0.113.100", old?.SubnetId);
      await account.clients.ec2.send(new DeleteNatGatewayCommand({ NatGatewayId: old?.NatGatewayId }));
      const moved = await project.run("up", "--yes", "--skip-preview");
      assert.equal(moved.code, 0, moved.output);
      const types = moved.steps.map(({ type }) => type).filter((type) => !type.startsWith("pulumi:"));
      assert.deepEqual([...new Set(types)], [ruleType]);
      assert.deepEqual(
        changes(moved).map((change) => change.split(" ")[0]),
        ["create", "create", "delete"],
      );
      await assertAdmitted();
      assert.equal((await rules()).length, 3);
      assert.equal((await deployment()).metadata.generation, metadata.generation);
    });
  });

  const revoke = (id: string | undefined) =>
    account.clients.ec2.send(
      new RevokeSecurityGroupIngressCommand({ GroupId: GroupId(), SecurityGroupRuleIds: [id as string] }),
    );

  async function loseOneRule(): Promise<void> {
    const [lost] = await rules();
    await revoke(lost?.SecurityGroupRuleId);
  }

  async function openToEverybody(): Promise<void> {
    const open = { IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: everybody }] };
    await account.clients.ec2.send(
      new AuthorizeSecurityGroupIngressCommand({ GroupId: GroupId(), IpPermissions: [open] }),
    );
  }

  /** What the tag in ECR names becomes another image; the real registry needs the first one deleted for that. */
  async function moveImageTag(image: string): Promise<void> {
    const { ecr } = account.clients;
    const repositoryName = image.split("@")[0]?.split("/").at(-1);
    const { stdout } = await project.run("stack", "export");
    const [imageTag] = /(?<=digdag-runner-stg:)[\w.-]+/.exec(stdout) ?? [];
    assert.ok(repositoryName && imageTag, "the state names no image");
    const put = (byte: string) => {
      const part = { mediaType: "application/octet-stream", size: 1, digest: `sha256:${byte.repeat(32)}` };
      const manifest = { schemaVersion: 2, mediaType: manifestType, config: part, layers: [part] };
      const imageManifest = JSON.stringify(manifest);
      return ecr.send(new PutImageCommand({ repositoryName, imageTag, imageManifest }));
    };
    await put("aa");
    await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag }] }));
    await put("bb");
    const { images: found } = await ecr.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag }] }),
    );
    assert.match(found?.[0]?.imageManifest ?? "", /(bb){32}/);
  }

  const gateways = async () =>
    (await account.clients.ec2.send(new DescribeNatGatewaysCommand({}))).NatGateways ?? [];

  async function addGateway(Address: string, SubnetId: string | undefined): Promise<void> {
    const { AllocationId } = await account.clients.ec2.send(
      new AllocateAddressCommand({ Domain: "vpc", Address }),
    );
    await account.clients.ec2.send(new CreateNatGatewayCommand({ SubnetId, AllocationId }));
  }
});
