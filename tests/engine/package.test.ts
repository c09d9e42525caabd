import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../local/lib/paths";
import { packageSchema, schemaFile } from "../../scripts/packageSchema";
import { Account } from "./account";
import { PulumiProject, type Result } from "./pulumiProject";

/** The first run may build the engine from source. */
const SETUP_MS = 20 * 60_000;
/** Only a command that hangs takes this long. */
const COMMAND_MS = 5 * 60_000;

const ruleType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

/** Types of what a command changed, without stacks and providers. */
const typesOf = ({ steps }: Result) =>
  steps.map(({ type }) => type).filter((type) => !type.startsWith("pulumi:"));

describe("the committed schema of the package", () => {
  it("is what the types of the components say", () => {
    const message = "package/schema.json is not what the components' types say. Run: npm run schema";
    assert.equal(readFileSync(schemaFile, "utf8"), packageSchema(), message);
  }).timeout(COMMAND_MS);
});

describe("the package in another program, examples/package", () => {
  let account: Account;
  let project: PulumiProject;

  before(async function () {
    this.timeout(SETUP_MS);
    account = await Account.start();
    await account.reset();
    project = await PulumiProject.copyOf(join(root, "examples", "package"), account);
    const added = await project.run("package", "add", root);
    assert.equal(added.code, 0, added.output);
    await project.run("stack", "init", "stg");
  });

  after(async function () {
    this.timeout(COMMAND_MS);
    await project?.remove();
    await account?.stop();
  });

  it("serves the committed schema", async () => {
    const { stdout, output } = await project.run("package", "get-schema", root);
    const served = JSON.parse(stdout || `"${output}"`);
    const { resources, types } = JSON.parse(readFileSync(schemaFile, "utf8"));
    assert.deepEqual(Object.keys(served.resources).sort(), Object.keys(resources).sort());
    assert.deepEqual(served.types, types);
  }).timeout(COMMAND_MS);

  it("has an SDK whose types the example keeps to", () => {
    const tsc = join(root, "node_modules", ".bin", "tsc");
    execFileSync(tsc, { cwd: project.directory, encoding: "utf8" });
  }).timeout(COMMAND_MS);

  it("previews the whole plan, down to the Pod's variables", async () => {
    const preview = await project.run("preview");
    assert.equal(preview.code, 0, preview.output);
    assert.equal(typesOf(preview).filter((type) => type === ruleType).length, 2, preview.output);
    assert.match(preview.events, /DIGDAG_ENDPOINT.{1,40}https:\/\/digdag\.stg\.example\.com/);
    assert.deepEqual(await project.resources(), []);
  }).timeout(COMMAND_MS);

  it("deploys the image and all that it needs, and changes nothing in a second run", async () => {
    const up = await project.run("up", "--yes", "--skip-preview");
    assert.equal(up.code, 0, up.output);
    const resources = await project.resources();
    for (const type of ["DigdagRunner", "Image", "Secret", "Deployment"])
      assert.equal(resources.filter((one) => one.endsWith(`:${type}`)).length, 1, `${type} in ${resources}`);
    const outputs = JSON.parse((await project.run("stack", "output", "--json")).stdout);
    assert.match(outputs.imageReference, /digdag-runner-stg@sha256:[0-9a-f]{64}$/);
    assert.deepEqual(outputs.allowedAddresses.sort(), ["198.51.100.20/32", "203.0.113.10/32"]);
    assert.deepEqual(outputs.runnerLabels, ["self-hosted", "linux", "x64", "digdag", "stg"]);
    const again = await project.run("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(again.code, 0, again.output);
  }).timeout(COMMAND_MS);

  it("keeps the private key out of state, event log and output", async () => {
    const lines = (account.credentials.stg ?? "")
      .split("\n")
      .filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line));
    assert.ok(lines.length > 10);
    const shown = await project.run("stack", "export", "--show-secrets");
    const preview = await project.run("preview");
    for (const line of lines) {
      assert.ok(shown.output.includes(line), "it is not in the state, so this proves nothing");
      for (const text of [...project.backendFiles(), preview.events, preview.output])
        assert.ok(!text.includes(line));
    }
  }).timeout(COMMAND_MS);

  it("leaves nothing after a destroy", async () => {
    const destroyed = await project.run("destroy", "--yes", "--skip-preview");
    assert.equal(destroyed.code, 0, destroyed.output);
    assert.deepEqual(await project.resources(), []);
  }).timeout(COMMAND_MS);

  it("refuses wrong inputs by path and reason, all at once, and shows none that may be a secret", async () => {
    project.configure("stg", {
      "runners:digdagEndpoint": "http://digdag.example.com",
      "runners:githubAppId": "my-app",
      "runners:githubAppParameter": "-----BEGIN RSA PRIVATE KEY-----MIIEow",
    });
    const refused = await project.run("up", "--yes", "--skip-preview");
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /3 inputs of DigdagRunner cannot be used/);
    assert.match(
      refused.output,
      /property digdagEndpoint .*has a problem: .*must be a URL that starts with https/,
    );
    assert.match(refused.output, /property githubAppId .*has a problem: .*must be an App ID/);
    assert.match(refused.output, /githubAppParameter is \[not shown\]: must be the name of an SSM parameter/);
    assert.ok(!refused.output.includes("MIIEow"), refused.output);
    assert.ok(!(await project.resources()).some((type) => /^(aws|kubernetes|docker):/.test(type)));
  }).timeout(COMMAND_MS);
});
