import assert from "node:assert/strict";
import {
  CreateSecurityGroupCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeSubnetsCommand,
} from "@aws-sdk/client-ec2";
import { CreateLoadBalancerCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { Account, SETUP_MS } from "./account";
import { PulumiProject, type Result } from "./pulumiProject";

const inside = "digdag-inside";
const prefix = "digdag-runner:";

describe("on the real engine, a Digdag behind an internal ALB", function () {
  this.timeout(SETUP_MS);
  let account: Account;
  let albGroup: string;
  let runnersGroup: string;
  let project: PulumiProject;

  before(async () => {
    account = await Account.start();
    await account.reset();
    const { ec2, loadBalancing } = account.clients;
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    const VpcId = Subnets.find(({ CidrBlock }) => CidrBlock === "10.0.10.0/24")?.VpcId;
    const own = Subnets.filter((subnet) => subnet.VpcId === VpcId && subnet.CidrBlock?.startsWith("10.0.1"));
    const makeGroup = async (GroupName: string) => {
      const group = { GroupName, Description: GroupName, VpcId };
      return (await ec2.send(new CreateSecurityGroupCommand(group))).GroupId as string;
    };
    [albGroup, runnersGroup] = [await makeGroup(`${inside}-alb`), await makeGroup("nodes")];
    await loadBalancing.send(
      new CreateLoadBalancerCommand({
        Name: inside,
        Scheme: "internal",
        Subnets: own.flatMap(({ SubnetId }) => SubnetId ?? []),
        SecurityGroups: [albGroup],
      }),
    );
    project = await PulumiProject.create(account, "stg", { [`${prefix}loadBalancerName`]: inside });
  });
  after(async () => {
    await project?.remove();
    await account?.stop();
  });

  const up = (...args: string[]) => project.run("up", "--yes", "--skip-preview", ...args);

  function assertRefused({ code, output, steps }: Result, message: RegExp): void {
    assert.notEqual(code, 0, output);
    assert.match(output.replaceAll(/\s+/g, " "), message);
    assert.deepEqual(
      steps.filter(({ type }) => !type.startsWith("pulumi:")),
      [],
    );
  }

  it("is refused for NAT addresses, which never reach it, and told of the other way", async () => {
    assertRefused(
      await up(),
      /ALB digdag-inside is internal: .*never a NAT address.*Set access to securityGroup/,
    );
  });

  it("is refused in a group that the load balancer controller would clean of the rule", async () => {
    project.configure("stg", {
      [`${prefix}access`]: "securityGroup",
      [`${prefix}sourceSecurityGroupId`]: runnersGroup,
    });
    const managed = { Resources: [albGroup], Tags: [{ Key: "elbv2.k8s.aws/cluster", Value: "digdag-stg" }] };
    await account.clients.ec2.send(new CreateTagsCommand(managed));
    const message =
      /is managed by the AWS Load Balancer Controller.*alb\.ingress\.kubernetes\.io\/security-groups/;
    assertRefused(await up(), message);
    await account.clients.ec2.send(new DeleteTagsCommand(managed));
  });

  it("admits the runners' security group by one rule and no address, and a second run changes nothing", async () => {
    const first = await up();
    assert.equal(first.code, 0, first.output);
    const rules = await account.ingressRules([albGroup]);
    assert.deepEqual(
      rules.map(({ ReferencedGroupInfo, CidrIpv4, FromPort, ToPort }) => [
        ReferencedGroupInfo?.GroupId,
        CidrIpv4 ?? "",
        FromPort,
        ToPort,
      ]),
      [[runnersGroup, "", 443, 443]],
    );
    const { stdout } = await project.run("stack", "output", "--json");
    const { allowedAddresses, allowedSecurityGroupId } = JSON.parse(stdout);
    assert.deepEqual([allowedAddresses, allowedSecurityGroupId], [[], runnersGroup]);
    // Without a refresh: the emulated account loses the description of a rule for a group.
    const second = await up("--expect-no-changes");
    assert.equal(second.code, 0, second.output);
  });
});
