import assert from "node:assert/strict";
import { join } from "node:path";
import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand } from "@aws-sdk/client-ssm";
import type { Stack } from "../../local/aws/stacks";
import { newCredential } from "../../local/gitHubCredentials";
import { Account, COMMAND_MS, SETUP_MS } from "./account";
import { assertAbsent, assertEncrypted } from "./credentialTraces";
import { stepText } from "./eventLog";
import { PulumiProject, type Result } from "./pulumiProject";

const parameter = "/digdag-runner/stg/github-app";
const delivery = (secretDelivery: string | undefined) => ({ "digdag-runner:secretDelivery": secretDelivery });

const changes = ({ steps }: Result) => steps.map(stepText);

/** What of the kinds in question the state has, sorted. */
async function secretsIn(project: PulumiProject): Promise<string[]> {
  const kinds = (await project.resources()).map((type) => type.split(":").at(-1) ?? "");
  return kinds.filter((kind) => /Secret/.test(kind)).sort();
}

describe("the delivery of the credential", () => {
  let account: Account;
  let project: PulumiProject;
  let key: string | undefined;

  /** Puts another private key into the parameter, which a stack already uses. */
  async function rotate(): Promise<void> {
    key = newCredential({ appId: "1" } as Stack);
    const parameters = { Name: parameter, Value: key, Type: "SecureString" as const, Overwrite: true };
    await account.clients.ssm.send(new PutParameterCommand(parameters));
  }
  const up = async (...args: string[]): Promise<Result> => {
    const result = await project.run("up", "--yes", "--skip-preview", ...args);
    assert.equal(result.code, 0, result.output);
    return result;
  };

  before(async function () {
    this.timeout(SETUP_MS);
    account = await Account.start();
  });
  after(() => account?.stop());

  describe("by Pulumi", () => {
    let first: Result;

    before(async function () {
      this.timeout(SETUP_MS);
      await account.reset();
      key = account.credentials.stg;
      project = await PulumiProject.create(account, "stg");
      first = await up();
    });
    after(() => project?.remove());

    it("keeps the value in the state, encrypted, and nowhere in plain text", () =>
      assertEncrypted(key, project, first)).timeout(COMMAND_MS);

    it("changes the Secret alone when the parameter is rotated, and says its version", async () => {
      const former = key;
      await rotate();
      const rotated = await up();
      assert.deepEqual(changes(rotated), ["update Secret"]);
      assertEncrypted(key, project, rotated);
      assertEncrypted(former, project, rotated);
      const { stdout } = await project.run("stack", "export");
      assert.match(stdout, /"digdag-runner\/parameter-version": "2"/);
      assert.doesNotMatch(stdout, /"digdag-runner\/parameter-version": "1"/);
    }).timeout(COMMAND_MS);

    it("gives way to the operator: the new Secret first, then the Pods, then the old one goes", async () => {
      project.configure("stg", delivery("externalSecrets"));
      assert.deepEqual(changes(await up()), [
        "create ExternalRunnerSecret",
        "create SecretStore",
        "create ExternalSecret",
        "update Deployment",
        "delete Secret",
        "delete RunnerSecret",
      ]);
      assert.deepEqual(await secretsIn(project), ["ExternalRunnerSecret", "ExternalSecret", "SecretStore"]);
    }).timeout(COMMAND_MS);

    it("comes back in the same order", async () => {
      project.configure("stg", delivery(undefined));
      assert.deepEqual(changes(await up()), [
        "create RunnerSecret",
        "create Secret",
        "update Deployment",
        "delete ExternalSecret",
        "delete SecretStore",
        "delete ExternalRunnerSecret",
      ]);
      assert.deepEqual(await secretsIn(project), ["RunnerSecret", "Secret"]);
    }).timeout(COMMAND_MS);
  });

  describe("by the External Secrets Operator", () => {
    before(async function () {
      this.timeout(SETUP_MS);
      await account.reset();
      key = account.credentials.stg;
      project = await PulumiProject.create(account, "stg", {
        "digdag-runner:secretStoreRoleArn": "arn:aws:iam::123456789012:role/digdag-runner-stg",
      });
    });
    after(() => project?.remove());

    it("is the only one that takes a role: nothing is made before that is clear", async () => {
      const refused = await project.run("up", "--yes", "--skip-preview");
      assert.notEqual(refused.code, 0, refused.output);
      assert.match(
        refused.output,
        /secretStoreRoleArn is set, but means nothing unless secretDelivery is externalSecrets/,
      );
      assert.deepEqual(await project.resources(), []);
    }).timeout(COMMAND_MS);

    it("keeps the value out of the state altogether, and of everything else; the policy pack has nothing against it", async () => {
      project.configure("stg", delivery("externalSecrets"));
      const first = await up("--policy-pack", "policy");
      assert.match(first.output, /digdag-runner@v\d/, "no policy was applied");
      assert.doesNotMatch(first.output, /\[mandatory\]|\[advisory\]/);
      assert.deepEqual(await secretsIn(project), ["ExternalRunnerSecret", "ExternalSecret", "SecretStore"]);
      assertAbsent(key, project, first);
    }).timeout(COMMAND_MS);

    it("changes nothing in a second run, not even after a rotation", async () => {
      await rotate();
      const second = await up("--expect-no-changes", "--refresh");
      assert.deepEqual(second.steps, []);
      assertAbsent(key, project, second);
    }).timeout(COMMAND_MS);

    it("asks AWS for nothing of it: without the parameter all is the same", async () => {
      await account.clients.ssm.send(new DeleteParameterCommand({ Name: parameter }));
      const read = account.clients.ssm.send(new GetParameterCommand({ Name: parameter }));
      await assert.rejects(read, /ParameterNotFound/);
      await up("--expect-no-changes");
    }).timeout(COMMAND_MS);

    it("rolls nothing out, and fails, while the operator has not brought the Secret", async () => {
      const program = join(__dirname, "unreadyProgram.ts");
      const unready = await PulumiProject.create(account, "local", delivery("externalSecrets"), { program });
      try {
        const waited = await unready.run("up", "--yes", "--skip-preview");
        assert.notEqual(waited.code, 0, waited.output);
        assert.match(
          waited.output,
          /ExternalSecret \S+github-credential-external: timed out after 1 s: condition Ready/,
        );
        const types = await unready.resources();
        assert.ok(types.includes("kubernetes:external-secrets.io/v1:ExternalSecret"), types.join());
        assert.ok(!types.includes("kubernetes:apps/v1:Deployment"), types.join());
      } finally {
        await unready.remove();
      }
    }).timeout(COMMAND_MS);
  });
});
