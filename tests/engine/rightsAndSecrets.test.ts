import assert from "node:assert/strict";
import { join } from "node:path";
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateTagsCommand,
  DescribeNatGatewaysCommand,
} from "@aws-sdk/client-ec2";
import { DescribeRepositoriesCommand, TagResourceCommand } from "@aws-sdk/client-ecr";
import type { Network } from "../../local/aws/account";
import { root } from "../../local/lib/paths";
import { createClients } from "../../local/providers/aws/clients";
import { MemoryCluster } from "../../local/providers/kubernetes/memoryCluster";
import { assertHidden, formsOf } from "../hidden";
import { Account, SETUP_MS } from "./account";
import { AwsGateway } from "./awsGateway";
import { actionsOf, documentedPolicy, type Policy } from "./iamPolicy";
import { PulumiProject, type Result } from "./pulumiProject";

/** What the real provider asks for beside the stand-in, and Docker when it pushes. */
const ofRealProgramsAlone = [
  "ec2:DescribeAddresses", // of a gateway's secondary addresses, which the emulated account cannot have
  "ec2:DescribeAddressesAttribute",
  "elasticloadbalancing:DescribeLoadBalancerAttributes",
  "ecr:BatchCheckLayerAvailability",
  "ecr:BatchGetImage",
  "ecr:CompleteLayerUpload",
  "ecr:GetDownloadUrlForLayer",
  "ecr:InitiateLayerUpload",
  "ecr:PutImage",
  "ecr:UploadLayerPart",
];
const passphrase = "the-passphrase-of-these-tests";

describe("on the real engine, with the rights that docs/security.md gives and no others", function () {
  this.timeout(SETUP_MS);
  const cluster = new MemoryCluster();
  const results: Result[] = [];
  let account: Account;
  let network: Network;
  let gateway: AwsGateway;
  let project: PulumiProject;
  let mayPreview: Policy;
  let mayDeploy: Policy;

  before(async () => {
    account = await Account.start();
    network = await account.reset();
    gateway = await AwsGateway.start(account.endpoint);
    const own = {
      REGION: "ap-northeast-1",
      ACCOUNT: "123456789012",
      CLUSTER: "digdag-stg",
      SECURITY_GROUP: network.groups["digdag-stg"]?.[0] ?? "",
      STACK: "stg",
    };
    const file = join(root, "docs", "security.md");
    mayPreview = documentedPolicy(file, "### The preview role", own);
    const added = documentedPolicy(file, "### The deploy role", own);
    mayDeploy = { Statement: [...mayPreview.Statement, ...added.Statement] };
    const environment = { PULUMI_CONFIG_PASSPHRASE: passphrase };
    project = await PulumiProject.create(gateway, "stg", {}, { cluster, environment });
  });
  after(async () => {
    await project?.remove();
    await gateway?.stop();
    await account?.stop();
  });

  /** Runs a command as a role; what the role may not do fails it. */
  async function as(policy: Policy, ...args: string[]): Promise<Result> {
    gateway.policy = policy;
    const result = await project.run(...args);
    results.push(result);
    assert.deepEqual(gateway.refused.splice(0), []);
    assert.equal(result.code, 0, result.output);
    return result;
  }

  const rules = () => account.ingressRules(network.groups["digdag-stg"] ?? []);
  const repositories = async () =>
    (await account.clients.ecr.send(new DescribeRepositoriesCommand({}))).repositories ?? [];

  it("previews an empty stack, and writes nothing: not in AWS, the cluster or the state", async () => {
    const before = project.backendFiles();
    const preview = await as(mayPreview, "preview");
    assert.ok(
      preview.steps.some(({ type }) => type === "kubernetes:apps/v1:Deployment"),
      preview.output,
    );
    assert.deepEqual(project.backendFiles(), before);
    assert.deepEqual([await rules(), await repositories(), cluster.all()], [[], [], []]);
  });

  it("cannot change anything as the role that previews", async () => {
    const { ec2 } = createClients(gateway.endpoint, "ap-northeast-1");
    const open = { IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
    const GroupId = network.groups["digdag-stg"]?.[0];
    await assert.rejects(
      ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [open] })),
      /not authorized to perform: ec2:AuthorizeSecurityGroupIngress/,
    );
    assert.equal(gateway.refused.splice(0).length, 1);
    assert.ok((await ec2.send(new DescribeNatGatewaysCommand({}))).NatGateways?.length);
    for (const action of actionsOf(mayPreview)) assert.match(action, /:(Describe|Get|List)/);
  });

  it("deploys, takes over a rule that was typed in, and repairs tags that others changed", async () => {
    const typed = { CidrIp: "203.0.113.10/32", Description: "typed by hand" };
    await account.clients.ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId: network.groups["digdag-stg"]?.[0],
        IpPermissions: [{ IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [typed] }],
      }),
    );
    await as(mayDeploy, "up", "--yes", "--skip-preview");
    assert.equal((await rules()).length, 2);
    const team = { Key: "team", Value: "data" };
    const [rule, [repository]] = [(await rules())[0], await repositories()];
    await account.clients.ec2.send(
      new CreateTagsCommand({ Resources: [rule?.SecurityGroupRuleId ?? ""], Tags: [team] }),
    );
    await account.clients.ecr.send(
      new TagResourceCommand({ resourceArn: repository?.repositoryArn, tags: [team] }),
    );
    await as(mayDeploy, "up", "--yes", "--skip-preview", "--refresh");
    for (const { Tags } of await rules()) assert.ok(!Tags?.some(({ Key }) => Key === "team"));
  });

  it("compares every night as the role that previews", async () => {
    const before = project.backendFiles();
    await as(mayPreview, "preview", "--refresh", "--expect-no-changes");
    assert.deepEqual(project.backendFiles(), before);
  });

  it("has no secret in state, history, events, outputs or the logs of the stand-ins, plain or in base64", async () => {
    const shown = await project.run("stack", "export", "--show-secrets");
    const { stg = "", ...others } = account.credentials;
    for (const line of formsOf(stg).slice(0, 10))
      assert.ok(shown.output.includes(line), "it is not in the state, so this proves nothing");
    const { output } = await project.run("stack", "output", "--json", "--show-secrets");
    const secrets = [stg, ...Object.values(others), passphrase];
    assert.ok(project.said.length > 0, "the stand-ins said nothing, so this proves nothing");
    assertHidden(secrets, {
      outputs: output,
      "a stand-in": project.said.join("\n"),
      ...Object.fromEntries(
        project.backendFiles().map((text, index) => [`file ${index} of the state`, text]),
      ),
      ...Object.fromEntries(results.map(({ events }, index) => [`event log ${index}`, events])),
      ...Object.fromEntries(results.map((result, index) => [`output ${index}`, result.output])),
    });
  });

  it("destroys", () => as(mayDeploy, "destroy", "--yes", "--skip-preview"));

  it("is given nothing that nobody uses", () => {
    const unused = actionsOf(mayDeploy).filter(
      (action) => !gateway.needed.has(action) && !ofRealProgramsAlone.includes(action),
    );
    assert.deepEqual(unused, []);
    assert.deepEqual(
      ofRealProgramsAlone.filter((action) => gateway.needed.has(action)),
      [],
    );
  });
});
