import assert from "node:assert/strict";
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
} from "@aws-sdk/client-ec2";
import type { Network } from "../../local/aws/account";
import { Account, SETUP_MS } from "./account";
import { PulumiProject } from "./pulumiProject";

const ruleType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

describe("on the real engine, a rule that Digdag's group has already", function () {
  this.timeout(SETUP_MS);
  let account: Account;
  let network: Network;
  let project: PulumiProject;

  before(async () => {
    account = await Account.start();
    network = await account.reset();
    project = await PulumiProject.create(account, "stg");
  });
  after(async () => {
    await project?.remove();
    await account?.stop();
  });

  const group = () => network.groups["digdag-stg"]?.[0] as string;

  async function ruleFor(address: string) {
    const rules = await account.ingressRules([group()]);
    return rules.find(({ CidrIpv4 }) => CidrIpv4 === `${address}/32`);
  }

  async function up(...args: string[]) {
    const result = await project.run("up", "--yes", "--skip-preview", ...args);
    const rules = result.steps.filter(({ type }) => type === ruleType);
    return { ...result, rules: rules.map(({ op, name }) => `${op} ${name.split("-access-")[1]}`).sort() };
  }

  it("is taken over when somebody typed it into the console, and described and tagged as the stack's own", async () => {
    const typed = { CidrIp: "203.0.113.10/32", Description: "typed by hand" };
    await account.clients.ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId: group(),
        IpPermissions: [{ IpProtocol: "tcp", FromPort: 443, ToPort: 443, IpRanges: [typed] }],
      }),
    );
    const before = await ruleFor("203.0.113.10");
    const first = await up();
    assert.equal(first.code, 0, first.output);
    assert.deepEqual(first.rules, ["create 198-51-100-20", "import 203-0-113-10", "update 203-0-113-10"]);
    const after = await ruleFor("203.0.113.10");
    assert.equal(after?.SecurityGroupRuleId, before?.SecurityGroupRuleId);
    assert.match(after?.Description ?? "", /^digdag-runner stg: /);
    assert.ok(after?.Tags?.some(({ Key, Value }) => Key === "digdag-runner:stack" && Value === "stg"));
    const second = await up("--expect-no-changes");
    assert.equal(second.code, 0, second.output);
  });

  it("is taken over when the state does not know it, after a deployment that was cut off", async () => {
    await project.forget((urn) => urn.endsWith("-access-198-51-100-20"));
    const resumed = await up();
    assert.equal(resumed.code, 0, resumed.output);
    assert.deepEqual(resumed.rules, ["import 198-51-100-20"]);
    const again = await up("--expect-no-changes");
    assert.equal(again.code, 0, again.output);
  });

  it("is refused before anything changes when its tags name another owner", async () => {
    const rule = await ruleFor("203.0.113.10");
    const Resources = [rule?.SecurityGroupRuleId ?? ""];
    await account.clients.ec2.send(new DeleteTagsCommand({ Resources, Tags: rule?.Tags }));
    await account.clients.ec2.send(
      new CreateTagsCommand({ Resources, Tags: [{ Key: "team", Value: "data" }] }),
    );
    const refused = await up();
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /belongs to somebody else by its tags \(team=data\)/);
    assert.deepEqual(
      refused.steps.filter(({ type }) => !type.startsWith("pulumi:")),
      [],
    );
  });
});
