import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gitHub } from "../../local/gitHubControl";
import { stateDir } from "../../local/lib/paths";
import {
  admitted,
  exec,
  pulumi,
  requireLocalSystem,
  runnersOf,
  seededSecrets,
  settingsOf,
  until,
} from "./support";

describe("an environment from `pulumi up -s prd`", () => {
  before(requireLocalSystem);

  it("is complete, and a second `up` changes nothing", async () => {
    await pulumi("up", "prd");
    const { stdout } = await pulumi("up", "prd", ["--expect-no-changes"]);
    assert.match(stdout, /\d+ unchanged/);
  });

  it("opens its ALB to the NAT addresses and nothing else", async () => {
    assert.deepEqual(await admitted("prd"), ["198.51.100.20/32", "203.0.113.10/32"]);
  });

  it("has its runners online, and each carries the label of its environment alone", async () => {
    const runners = await runnersOf("prd");
    assert.equal(runners.length, 2);
    for (const runner of runners) {
      const labels = runner.labels.map(({ name }) => name);
      assert.equal(runner.status, "online");
      assert.ok(
        labels.includes("prd") && !labels.includes("stg") && !labels.includes("local"),
        labels.join(),
      );
    }
  });

  it("has no seeded secret in plain text in its state or outputs", async () => {
    const state = join(stateDir, "pulumi-backend", ".pulumi", "stacks", "digdag-runner", "prd.json");
    const texts = [
      readFileSync(state, "utf8"),
      (await exec("pulumi", ["stack", "export", "-s", "prd"])).stdout,
      (await exec("pulumi", ["stack", "output", "-s", "prd", "--json"])).stdout,
    ];
    for (const secret of seededSecrets()) {
      for (const text of texts) {
        assert.ok(!text.includes(secret), "a credential is in the state or outputs of prd");
      }
    }
  });

  it("can be previewed for another stack in the same way", async () => {
    const { stdout } = await pulumi("preview", "stg");
    assert.match(stdout, /\d+ (to create|unchanged)/);
  });
});

describe("a wrong configuration", () => {
  before(requireLocalSystem);

  it("is refused with all its problems at once, and changes nothing", async () => {
    const wrong = [
      ["digdagEndpoint", "http://digdag.prd.example.com"],
      ["natAddresses[0]", "0.0.0.0/0"],
      ["githubTokenParameter", "/digdag-runner/prd/token"],
      ["replicas", "0"],
      ["runnerLabels[0]", "stg"],
    ].flatMap(([key, value]) => ["--config-path", "--config", `digdag-runner:${key}=${value}`]);
    const before = (await exec("pulumi", ["stack", "export", "-s", "prd"])).stdout;
    const { code, stdout, stderr } = await pulumi("up", "prd", wrong, true);
    assert.notEqual(code, 0);
    const said = stdout + stderr;
    for (const key of [
      "digdagEndpoint",
      "natAddresses",
      "githubTokenParameter",
      "replicas",
      "runnerLabels",
    ]) {
      assert.ok(said.includes(key), `${key} is not in the message:\n${said}`);
    }
    const resources = (text: string) =>
      JSON.parse(text).deployment.resources.map(({ urn }: { urn: string }) => urn);
    const after = (await exec("pulumi", ["stack", "export", "-s", "prd"])).stdout;
    assert.deepEqual(resources(after), resources(before));
  });
});

describe("destroying an environment while a job runs", () => {
  before(requireLocalSystem);

  it("lets the job end in success, and leaves no registration, since the credential goes after the runners", async () => {
    const { owner, repository } = settingsOf("prd");
    const { id } = await gitHub.queueJob({
      name: "last",
      repository: `${owner}/${repository}`,
      labels: ["self-hosted", "digdag", "prd"],
      steps: [{ name: "work", run: "sleep 20; echo finished" }],
    });
    await until("the job runs", 60, async () => (await gitHub.job(id)).status === "in_progress");
    await pulumi("destroy", "prd", ["--exclude-protected"]);
    const job = await gitHub.job(id);
    assert.equal(job.conclusion, "success", job.log);
    assert.deepEqual(await runnersOf("prd"), []);
    const secrets = await exec("kubectl", ["get", "secrets", "-n", "digdag-runner-prd", "-o", "name"], true);
    assert.doesNotMatch(secrets.stdout, /github-credential/);
  });
});
