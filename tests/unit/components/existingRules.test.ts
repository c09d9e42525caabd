import assert from "node:assert/strict";
import { type GroupRule, settle } from "../../../components/existingRules";
import { awsTags } from "../../../components/identity";
import { account, deploy, loadBalancer } from "./account";

const args = {
  environment: "stg",
  githubOwner: "example-org",
  githubRepository: "digdag-workflows",
  digdagEndpoint: "https://digdag.stg.example.com",
  securityGroupId: "sg-00000001",
  natAddresses: ["198.51.100.1", "198.51.100.2"],
};
const present = (changes: Partial<GroupRule> = {}): GroupRule => ({
  id: "sgr-1",
  cidrIpv4: "198.51.100.1/32",
  cidrIpv6: "",
  referencedSecurityGroupId: "",
  protocol: "tcp",
  fromPort: 443,
  toPort: 443,
  tags: {},
  ...changes,
});
const awsRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

describe("a rule that the group has already", () => {
  for (const [whose, tags] of Object.entries<Record<string, string>>({
    "somebody made it by hand": {},
    "it is this stack's own": { ...awsTags(args), Name: "digdag-runner-stg", team: "added later" },
    "AWS itself has tagged it": { "aws:createdBy": "somebody" },
  })) {
    it(`is taken over when ${whose}`, () => {
      const { adopted, problems } = settle(args, [present({ tags })]);
      assert.deepEqual(adopted, { "198-51-100-1": "sgr-1" });
      assert.deepEqual(problems, []);
    });
  }

  it("is refused with its tags when it belongs to another stack or another tool", () => {
    for (const tags of [awsTags({ ...args, environment: "prd" }), { team: "data" }]) {
      const { adopted, problems } = settle(args, [present({ tags })]);
      assert.deepEqual(adopted, {});
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", /sgr-1 already opens TCP port 443 to 198\.51\.100\.1\/32/);
      for (const [key, value] of Object.entries(tags)) assert.ok(problems[0]?.includes(`${key}=${value}`));
    }
  });

  it("is found by the security group that it admits as well", () => {
    const inside = { ...args, natAddresses: [], sourceSecurityGroupId: "sg-0000000f" };
    const found = present({ cidrIpv4: "", referencedSecurityGroupId: "sg-0000000f" });
    assert.deepEqual(settle(inside, [present(), found]).adopted, { "sg-0000000f": "sgr-1" });
  });

  it("is another rule when it differs in address, port or protocol", () => {
    const others = [
      present({ cidrIpv4: "198.51.100.9/32" }),
      present({ fromPort: 442 }),
      present({ toPort: 444 }),
      present({ protocol: "udp" }),
    ];
    assert.deepEqual(settle(args, others), { adopted: {}, warnings: [], problems: [] });
  });

  it("is warned of when it opens Digdag to a range, by whatever protocol and ports", () => {
    const wide = [
      present({ cidrIpv4: "0.0.0.0/0" }),
      present({ cidrIpv4: "", cidrIpv6: "::/0" }),
      present({ cidrIpv4: "10.0.0.0/8", protocol: "-1", fromPort: -1, toPort: -1 }),
      present({ cidrIpv4: "203.0.113.0/24", fromPort: 0, toPort: 65535 }),
    ];
    for (const rule of wide) {
      const { warnings, problems } = settle(args, [rule]);
      assert.equal(warnings.length, 1);
      assert.ok(warnings[0]?.includes(rule.cidrIpv4 || rule.cidrIpv6), warnings[0]);
      assert.match(warnings[0] ?? "", /--group-id sg-00000001 --security-group-rule-ids sgr-1$/);
      assert.deepEqual(problems, []);
    }
    const harmless = present({ cidrIpv4: "0.0.0.0/0", fromPort: 80, toPort: 80 });
    assert.deepEqual(settle(args, [harmless, present({ cidrIpv4: "192.0.2.1/32" })]).warnings, []);
  });
});

describe("the program in a group with rules", () => {
  it("imports the one that is there, and makes the others", async () => {
    const plan = await deploy(account({ rules: { "sgr-1": { cidrIpv4: "198.51.100.1/32" } } }));
    const imported = plan.ofType(awsRule).map(({ name, importId }) => [name, importId]);
    assert.deepEqual(imported.sort(), [
      ["digdag-runner-access-198-51-100-1", "sgr-1"],
      ["digdag-runner-access-198-51-100-2", ""],
    ]);
  });

  it("minds no rule for what leaves the group", async () => {
    const plan = await deploy(account({ rules: { "sgr-1": { isEgress: true, cidrIpv4: "0.0.0.0/0" } } }));
    assert.deepEqual(
      plan.ofType(awsRule).map(({ importId }) => importId),
      ["", ""],
    );
  });

  it("registers nothing when a rule of somebody else's stands in its way", async () => {
    const events: string[] = [];
    await assert.rejects(
      deploy(account({ rules: { "sgr-1": { cidrIpv4: "198.51.100.1/32", tags: { team: "data" } } } }), {
        observe: (event) => events.push(event),
      }),
      /belongs to somebody else by its tags \(team=data\)/,
    );
    assert.ok(events.includes("aws:vpc/getSecurityGroupRule:getSecurityGroupRule"), "AWS was not asked");
    assert.deepEqual(
      events.filter((event) => !/:get\w+$/.test(event)),
      [],
    );
  });
});

describe("the program for an internal ALB", () => {
  it("admits the security group of the cluster's nodes, or another one, and no address", async () => {
    const inside = account({
      loadBalancers: { "digdag-stg": loadBalancer("digdag-stg", { internal: true }) },
    });
    const sourceOf = async (config: Record<string, string>) => {
      const plan = await deploy(inside, { config: { "digdag-runner:access": "securityGroup", ...config } });
      assert.deepEqual(plan.outputs.allowedAddresses, []);
      assert.match(plan.outputs.allowedSecurityGroupId, /^sg-/);
      const { cidrIpv4, referencedSecurityGroupId } = plan.only(awsRule).inputs;
      assert.equal(cidrIpv4, undefined);
      return referencedSecurityGroupId;
    };
    assert.equal(await sourceOf({}), "sg-0000000c");
    const other = "sg-0123456789abcdef0";
    assert.equal(await sourceOf({ "digdag-runner:sourceSecurityGroupId": other }), other);
  });
});
