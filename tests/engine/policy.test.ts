import assert from "node:assert/strict";
import { join } from "node:path";
import { Account, COMMAND_MS, SETUP_MS } from "./account";
import { PulumiProject, type Result } from "./pulumiProject";

describe("the policy pack on the real engine", () => {
  let account: Account;

  before(async function () {
    this.timeout(SETUP_MS);
    account = await Account.start();
    await account.reset();
  });

  after(() => account?.stop());

  const withPack = async (
    command: string[],
    ...project: [stack: string, configuration?: Record<string, unknown>, options?: { program: string }]
  ): Promise<Result> => {
    const created = await PulumiProject.create(account, ...project);
    try {
      return await created.run(...command, "--policy-pack", "policy");
    } finally {
      await created.remove();
    }
  };
  const broken: [string, Record<string, unknown>, { program: string }] = [
    "stg",
    {},
    { program: join(__dirname, "brokenProgram.ts") },
  ];

  it("passes the program's own plan, what it deploys, and all that podPerJob adds", async () => {
    const { code, output } = await withPack(["up", "--yes"], "local", { "digdag-runner:podPerJob": true });
    assert.equal(code, 0, output);
    assert.equal(output.match(/digdag-runner@v\d/g)?.length, 2, `not in preview and update:\n${output}`);
    assert.doesNotMatch(output, /\[mandatory\]|\[advisory\]|can't run policy/);
  }).timeout(COMMAND_MS);

  it("tells of everything that is broken in one preview, without a secret", async () => {
    const { code, output } = await withPack(["preview"], ...broken);
    assert.notEqual(code, 0, output);
    const policies = output.slice(output.indexOf("Policies:"), output.indexOf("Diagnostics:"));
    const rule = "aws:vpc:SecurityGroupIngressRule";
    const runners = "kubernetes:apps/v1:Deployment: digdag-runner-deployment-runners";
    for (const [name, resource, message] of [
      [
        "digdag-admits-single-addresses",
        `${rule}: digdag-runner-access-203-0-113-10`,
        'cidrIpv4 is "0.0.0.0/0".',
      ],
      [
        "digdag-admits-single-addresses",
        `${rule}: digdag-runner-access-198-51-100-20`,
        'cidrIpv4 is "0.0.0.0/0".',
      ],
      ["digdag-has-no-other-way-in", `${rule}: office`, 'cidrIpv4 is "203.0.113.0/24".'],
      ["pod-is-restricted", runners, "spec.template.spec.hostPID is true."],
      ["image-by-digest", runners, 'spec.template.spec.containers[0].image is "runner:latest".'],
      ["no-secret-in-environment", runners, "is the value of DIGDAG_PASSWORD (not shown)."],
      [
        "no-credential-in-outputs",
        "pulumi:pulumi:Stack: digdag-runner-stg",
        "help is a personal access token",
      ],
    ] as const) {
      const start = policies.indexOf(`[mandatory]  ${name}  (${resource})`);
      assert.ok(start >= 0, `${name} of ${resource} is not in:\n${policies}`);
      assert.ok(policies.slice(start).split("- [mandatory]")[0]?.includes(message), policies);
    }
    assert.equal(policies.match(/\[mandatory\]/g)?.length, 7, policies);
    assert.doesNotMatch(policies, /not-for-your-eyes|A1b2/);
  }).timeout(COMMAND_MS);

  it("creates none of the resources that are broken, even without a preview", async () => {
    const { code, output, steps } = await withPack(["up", "--yes", "--skip-preview"], ...broken);
    assert.notEqual(code, 0, output);
    assert.match(output, /\[mandatory\] {2}digdag-admits-single-addresses/);
    const created = steps.map(({ name }) => name);
    assert.ok(
      created.includes("digdag-runner-access"),
      "the update did not get so far that this proves something",
    );
    for (const name of created) assert.doesNotMatch(name, /^digdag-runner-(access-|deployment-runners)/);
  }).timeout(COMMAND_MS);
});
