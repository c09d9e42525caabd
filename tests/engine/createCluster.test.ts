import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DescribeNatGatewaysCommand,
  DescribeSubnetsCommand,
} from "@aws-sdk/client-ec2";
import { DescribeClusterCommand, TagResourceCommand, UntagResourceCommand } from "@aws-sdk/client-eks";
import { Account, COMMAND_MS, SETUP_MS } from "./account";
import { stepText } from "./eventLog";
import { PulumiProject, type Result } from "./pulumiProject";

const prefix = "digdag-runner:";
const clusterName = "digdag-new";

/** The account's subnets, which are given routes: the private ones to a NAT gateway, the public ones to an internet gateway. */
async function routeSubnets({ clients: { ec2 } }: Account): Promise<Record<"private" | "public", string[]>> {
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
  const { NatGateways = [] } = await ec2.send(new DescribeNatGatewaysCommand({}));
  const named = (kind: string) =>
    Subnets.filter(({ Tags = [] }) => Tags.some(({ Value = "" }) => Value.includes(`-${kind}-`)));
  const VpcId = named("private")[0]?.VpcId;
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
  const InternetGatewayId = InternetGateway?.InternetGatewayId;
  await ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId }));
  const route = async (kind: "private" | "public", target: Record<string, string | undefined>) => {
    const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId }));
    const { RouteTableId } = RouteTable ?? {};
    await ec2.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: "0.0.0.0/0", ...target }));
    const ids = named(kind).map(({ SubnetId }) => SubnetId as string);
    for (const SubnetId of ids) await ec2.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }));
    return ids;
  };
  return {
    private: await route("private", { NatGatewayId: NatGateways[0]?.NatGatewayId }),
    public: await route("public", { GatewayId: InternetGatewayId }),
  };
}

/** What a command changed, but for stacks, components and providers. */
const changes = ({ steps }: Result) =>
  steps.filter(({ type }) => !/^(pulumi:|digdag-runner:|eks:)/.test(type)).map(stepText);

/** Administrators alone are not protected, so a command that is refused may have removed them. */
const isProtected = (type: string) => !/Access(Entry|PolicyAssociation)$/.test(type);

/** The stand-in for @pulumi/eks makes the control plane alone: what is tried here is the program, and the engine. */
describe("on the real engine, a cluster of the stack's own", () => {
  let account: Account;
  let project: PulumiProject;
  let subnets: Record<"private" | "public", string[]>;
  const parts = ["Addon", "Cluster", "LaunchTemplate", "NodeGroup", "Role"];
  const attachments = Array(3).fill("RolePolicyAttachment");

  before(async function () {
    this.timeout(SETUP_MS);
    account = await Account.start();
    await account.reset();
    subnets = await routeSubnets(account);
    project = await PulumiProject.create(account, "stg", { [`${prefix}clusterName`]: clusterName });
  });
  after(async () => {
    await project?.remove();
    await account?.stop();
  });

  const configure = (values: Record<string, unknown>) =>
    project.configure(
      "stg",
      Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value])),
    );
  const create = () => ({
    createCluster: true,
    clusterSubnetIds: subnets.private,
    clusterPublicAccessCidrs: ["203.0.113.0/24"],
    clusterAdminRoleArns: ["arn:aws:iam::123456789012:role/admin"],
  });
  const unset = () => Object.fromEntries(Object.keys(create()).map((key) => [key, undefined]));
  const up = (...args: string[]): Promise<Result> => project.run("up", "--yes", "--skip-preview", ...args);
  const cluster = async () => {
    const { eks } = account.clients;
    try {
      return (await eks.send(new DescribeClusterCommand({ name: clusterName }))).cluster;
    } catch (error) {
      if ((error as Error).name === "ResourceNotFoundException") return undefined;
      throw error;
    }
  };

  /** By the program, before the engine does anything. */
  async function refused(reason: RegExp): Promise<void> {
    const result = await up();
    assert.notEqual(result.code, 0, result.output);
    assert.match(result.output, reason);
    assert.deepEqual(changes(result), [], result.output);
  }

  /** By the engine, which tells of the step that it refuses, and may have begun others. */
  async function refusedByProtection(...command: string[]): Promise<void> {
    const parts = async () =>
      (await project.resources()).filter(
        (type) => !type.startsWith("pulumi:providers:") && isProtected(type),
      );
    const before = await parts();
    const { code, output } = await project.run(...command);
    assert.notEqual(code, 0, output);
    assert.match(output, /cannot be deleted\s+because it is protected/);
    assert.deepEqual((await parts()).sort(), before.sort(), output);
    assert.ok(await cluster());
  }

  async function stateWith(change: (resource: { urn: string }) => void): Promise<string> {
    const { stdout } = await project.run("stack", "export");
    const state = JSON.parse(stdout);
    state.deployment.resources.forEach(change);
    await setState(JSON.stringify(state));
    return stdout;
  }

  async function setState(state: string): Promise<void> {
    const file = join(project.directory, "state.json");
    writeFileSync(file, state);
    const { code, output } = await project.run("stack", "import", "--file", file);
    assert.equal(code, 0, output);
  }

  async function tag(stack: string | undefined): Promise<void> {
    const { eks } = account.clients;
    const resourceArn = (await cluster())?.arn;
    const key = "digdag-runner:stack";
    await (stack === undefined
      ? eks.send(new UntagResourceCommand({ resourceArn, tagKeys: [key] }))
      : eks.send(new TagResourceCommand({ resourceArn, tags: { [key]: stack } })));
  }

  it("is not made where the cluster is missing by mistake, and the message names createCluster", async () => {
    await refused(/Cannot look up EKS cluster digdag-new\..*made only where createCluster is true/);
    assert.equal(await cluster(), undefined);
  }).timeout(COMMAND_MS);

  it("is refused in public subnets before anything is made", async () => {
    configure({ ...create(), clusterSubnetIds: subnets.public });
    await refused(/Subnet subnet-\w+ is public: its route table leads to internet gateway igw-/);
    assert.equal(await cluster(), undefined);
  }).timeout(COMMAND_MS);

  it("is planned with all that runs on it, in a stack that has nothing yet", async () => {
    configure(create());
    const preview = await project.run("preview", "--policy-pack", "policy");
    assert.equal(preview.code, 0, preview.output);
    const planned = changes(preview);
    for (const part of [...parts, "Namespace", "Deployment"])
      assert.ok(planned.includes(`create ${part}`), `${part} in ${planned}`);
    assert.equal(await cluster(), undefined);
  }).timeout(COMMAND_MS);

  it("is planned with Auto Mode as well, where network policies come before the runners", async () => {
    configure({ clusterAutoMode: true });
    const preview = await project.run("preview");
    configure({ clusterAutoMode: undefined });
    assert.equal(preview.code, 0, preview.output);
    const planned = changes(preview);
    assert.ok(planned.indexOf("create ConfigMap") < planned.indexOf("create Namespace"), planned.join());
    assert.ok(planned.includes("create ConfigMap") && !planned.includes("create NodeGroup"), planned.join());
  }).timeout(COMMAND_MS);

  it("is made, private but for the named ranges, and its nodes come before the runners", async () => {
    const made = await up();
    assert.equal(made.code, 0, made.output);
    const { resourcesVpcConfig: network, tags, version } = (await cluster()) ?? {};
    assert.deepEqual(network?.subnetIds?.sort(), [...subnets.private].sort());
    assert.deepEqual(network?.publicAccessCidrs, ["203.0.113.0/24"]);
    assert.equal(tags?.["digdag-runner:stack"], "stg");
    assert.equal(version, "1.35");
    const order = changes(made);
    const at = (type: string) => order.indexOf(`create ${type}`);
    assert.ok(at("Cluster") < at("NodeGroup"), order.join());
    for (const type of ["NodeGroup", "Addon"]) assert.ok(at(type) < at("Namespace"), order.join());
  }).timeout(COMMAND_MS);

  it("changes nothing in a second run", async () => {
    const second = await up("--expect-no-changes");
    assert.equal(second.code, 0, second.output);
  }).timeout(COMMAND_MS);

  it("loses an administrator who is removed from the list, though the rest is protected", async () => {
    configure({ clusterAdminRoleArns: undefined });
    const removed = await up();
    assert.deepEqual(
      changes(removed),
      ["delete AccessPolicyAssociation", "delete AccessEntry"],
      removed.output,
    );
    configure(create());
  }).timeout(COMMAND_MS);

  it("is not deleted when createCluster is gone, and the message says what would be", async () => {
    configure(unset());
    await refused(/was made by this stack.*config set --stack stg createCluster true/);
    assert.ok(await cluster());
  }).timeout(COMMAND_MS);

  it("is not deleted then either when its tags do not tell: it is protected", async () => {
    await tag(undefined);
    await refusedByProtection("up", "--yes", "--skip-preview");
    await tag("stg");
  }).timeout(COMMAND_MS);

  it("is not deleted by a destroy, nor anything else", async () => {
    configure(create());
    await refusedByProtection("destroy", "--yes");
  }).timeout(COMMAND_MS);

  it("can be left to others: the stack forgets it, and its runners stay", async () => {
    // What docs/operations.md does with jq.
    const before = await stateWith((resource) => {
      if (resource.urn.includes("digdag-runner:index:RunnerCluster"))
        Object.assign(resource, { protect: false, retainOnDelete: true });
    });
    await tag(undefined);
    configure(unset());
    const left = await up();
    assert.equal(left.code, 0, left.output);
    const kept = [...parts, ...attachments].map((part) => `delete ${part}`);
    assert.deepEqual(changes(left).filter(isProtected).sort(), kept.sort());
    assert.ok(await cluster());
    const second = await up("--expect-no-changes");
    assert.equal(second.code, 0, second.output);

    configure(create());
    await refused(/EKS cluster digdag-new exists already and was not made by this stack/);
    await setState(before);
    await tag("stg");
  }).timeout(2 * COMMAND_MS);

  it("is deleted with everything once that was said to the state, the runners first and the nodes before it", async () => {
    const unprotected = await project.run("state", "unprotect", "--all", "--yes");
    assert.equal(unprotected.code, 0, unprotected.output);
    const destroyed = await project.run("destroy", "--yes", "--skip-preview");
    assert.equal(destroyed.code, 0, destroyed.output);
    assert.equal(await cluster(), undefined);
    assert.deepEqual(await project.resources(), []);
    const order = changes(destroyed);
    const at = (type: string) => order.indexOf(`delete ${type}`);
    assert.ok(at("Deployment") < at("NodeGroup"), order.join());
    assert.ok(at("NodeGroup") < at("Cluster"), order.join());
  }).timeout(COMMAND_MS);
});
