import assert from "node:assert/strict";
import { newRunnerName } from "../../runner-image/broker/runnerNames";
import { BrokerFixture, JIT_PATH, TOKEN } from "./support/brokerFixture";
import { LABELS, REPOSITORY, type World } from "./support/world";

describe("the broker", function () {
  this.timeout(60_000);
  const pod = new BrokerFixture();

  beforeEach(() => pod.open());
  afterEach(() => pod.close());

  it("registers a runner with this stack's labels and a name of its own, each time another one", async () => {
    await pod.world.startBroker();
    const probe = await pod.ready();
    const first = await probe.message("jit");
    const [runner] = pod.world.github.runners();
    assert.equal(runner?.name, first.runnerName);
    assert.match(first.runnerName, /^digdag-stg\.digdag-runner-6d5f7c9b8-x2x9k\.[0-9a-z]{13}$/);
    assert.deepEqual(
      runner?.labels.map((label) => label.name),
      LABELS,
    );
    probe.send({ type: "ended", runnerId: first.runnerId, exitCode: 0, signal: null });
    probe.send({ type: "ready" });
    const second = await probe.message("jit");
    assert.notEqual(second.runnerName, first.runnerName);
    assert.deepEqual(
      pod.world.github.runners().map((each) => each.id),
      [second.runnerId],
    );
  });

  it("registers with the organization where no repository is named", async () => {
    await pod.world.startBroker({ GITHUB_REPOSITORY: "" });
    await (await pod.ready()).message("jit");
    assert.ok(
      pod.world.github
        .requests()
        .some((request) => request.path === "/orgs/acme/actions/runners/generate-jitconfig"),
    );
  });

  it("hands out nothing while GitHub still lists the former runner as busy", async () => {
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    pod.world.github.addFault({
      method: "DELETE",
      path: `runners/${runnerId}$`,
      times: 4,
      action: { type: "respond", status: 422, body: { message: "Runner is currently running a job" } },
    });
    probe.send({ type: "ended", runnerId, exitCode: 0, signal: null });
    probe.send({ type: "ready" });
    await pod.world.ready(/still lists this Pod's former runner/);
    assert.equal(pod.mints().length, 1);
    await probe.message("jit");
    const deletions = pod.world.requests("DELETE", new RegExp(`runners/${runnerId}$`)).map((r) => r.status);
    assert.deepEqual(deletions, [422, 422, 422, 422, 204]);
    const order = pod.world.github
      .requests()
      .map((r) => `${r.method} ${r.path.split("/").pop()} ${r.status}`);
    assert.ok(order.lastIndexOf("POST generate-jitconfig 201") > order.indexOf(`DELETE ${runnerId} 204`));
  });

  it("uses a token that was rotated on disk for the next call, without a restart", async () => {
    pod.world.writeCredential("github_pat_expired");
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { reason } = await pod.world.ready(/401/);
    assert.match(reason, /expired or revoked.*pulumi up/);
    assert.doesNotMatch(reason, /github_pat/);
    pod.world.writeCredential(TOKEN);
    await probe.message("jit");
    assert.match(await pod.world.metrics(), /token_expiry_timestamp_seconds 20\d{8}/);
  });

  it("says which permission is missing when GitHub answers 403, and goes on when it is granted", async () => {
    pod.world.github.putToken({ value: TOKEN, scopes: ["*"], permission: "read" });
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { reason } = await pod.world.ready(/403/);
    assert.match(
      reason,
      /lacks a permission for the repository acme\/workflows: it needs "Administration: write"/,
    );
    pod.world.github.putToken({ value: TOKEN, scopes: ["*"] });
    await probe.message("jit");
  });

  it("names both meanings of a 404", async () => {
    pod.world.github.putToken({ value: TOKEN, scopes: ["acme/other"] });
    await pod.world.startBroker();
    await pod.ready();
    const { reason } = await pod.world.ready(/404/);
    assert.match(reason, /repository acme\/workflows does not exist, or the token may not see it/);
  });

  it("does not believe a 404 for its runner while the token may see no runner at all", async () => {
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    pod.world.github.putToken({ value: TOKEN, scopes: ["acme/other"] });
    probe.send({ type: "drain" });
    await pod.world.broker.logged("a runner could not be deleted");
    assert.deepEqual(probe.received, []);
    pod.world.github.putToken({ value: TOKEN, scopes: ["*"] });
    assert.equal((await probe.message("drained")).outcome, "deleted");
    assert.equal(
      pod.world.github.runners().some((runner) => runner.id === runnerId),
      false,
    );
  });

  for (const status of [409, 500, 502, 503]) {
    it(`tries again with another name after a ${status}`, async () => {
      pod.world.github.addFault({
        method: "POST",
        path: JIT_PATH,
        times: 2,
        action: { type: "respond", status },
      });
      await pod.world.startBroker();
      await (await pod.ready()).message("jit");
      assert.deepEqual(
        pod.mints().map((request) => request.status),
        [status, status, 201],
      );
    });
  }

  it("waits as long as GitHub asks when the rate limit is used up, instead of asking again", async () => {
    pod.world.github.addFault({
      method: "POST",
      path: JIT_PATH,
      action: {
        type: "respond",
        status: 403,
        headers: { "x-ratelimit-remaining": "0", "retry-after": "2" },
        body: { message: "API rate limit exceeded" },
      },
    });
    await pod.world.startBroker();
    const probe = await pod.ready();
    const start = performance.now();
    await pod.world.ready(/rate limit is used up/);
    await probe.message("jit");
    assert.ok(performance.now() - start > 1500, "it asked again too early");
    assert.equal(pod.mints().length, 2);
  });

  it("leaves no runner behind when the answer to a registration is lost", async () => {
    pod.world.github.addFault({ method: "POST", path: JIT_PATH, action: { type: "lose-answer" } });
    await pod.world.startBroker();
    const { runnerId } = await (await pod.ready()).message("jit");
    assert.deepEqual(
      pod.world.github.runners().map((runner) => runner.id),
      [runnerId],
    );
  });

  it("survives an HTML page in place of JSON", async () => {
    pod.world.github.addFault({
      method: "POST",
      path: JIT_PATH,
      action: { type: "respond", status: 502, body: "<html>Bad gateway</html>" },
    });
    await pod.world.startBroker();
    await (await pod.ready()).message("jit");
  });

  describe("with Digdag out of reach", () => {
    it("registers nothing, says endpoint, layer and address, and goes on by itself when Digdag is back", async () => {
      const { url } = pod.world.digdag;
      pod.world.digdag.addFault({ kind: "status", status: 503, times: 1000 });
      await pod.world.startBroker();
      const probe = await pod.ready();
      const { reason, ready: isReady } = await pod.world.ready(/Digdag/);
      assert.equal(isReady, false);
      for (const part of [url, "Layer that failed: HTTP", "503", "leaves from 203.0.113.10"]) {
        assert.ok(reason.includes(part), `${part} is not in: ${reason}`);
      }
      assert.equal(pod.mints().length, 0);
      assert.match(await pod.world.metrics(), /digdag_probes_total\{layer="HTTP"\} [1-9]/);
      pod.world.digdag.clearFaults();
      await probe.message("jit");
      assert.match(await pod.world.metrics(), /digdag_runner_digdag_reachable 1/);
    });

    const layers = [
      { layer: "TCP", endpoint: "http://127.0.0.1:1" },
      { layer: "DNS", endpoint: "https://digdag.invalid" },
    ];
    for (const { layer, endpoint } of layers) {
      it(`names the layer ${layer}`, async () => {
        await pod.world.startBroker({ DIGDAG_ENDPOINT: endpoint });
        await pod.ready();
        const { reason } = await pod.world.ready(new RegExp(`Layer that failed: ${layer}`), 20_000);
        assert.ok(reason.includes(endpoint));
        assert.equal(pod.mints().length, 0);
      });
    }
  });

  it("registers no other runner when GitHub refuses the version of this one", async () => {
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    probe.send({ type: "ended", runnerId, exitCode: 7, signal: null });
    probe.send({ type: "ready" });
    const { reason } = await pod.world.ready(/newer runnerVersion/);
    assert.match(reason, /GitHub refuses this version/);
    assert.equal(pod.mints().length, 1);
  });

  it("sweeps offline, idle, old runners of its own pool and no other", async () => {
    const hourAgo = Date.now() - 3_600_000;
    const ours = newRunnerName("digdag-stg", "digdag-runner-gone", hourAgo);
    const keep = [
      newRunnerName("digdag-stg", "digdag-runner-new"),
      newRunnerName("digdag-stg-eu", "digdag-runner-gone", hourAgo),
      newRunnerName("digdag-prd", "digdag-runner-gone", hourAgo),
      "digdag-stg-by-hand",
    ];
    for (const name of [ours, ...keep]) await register(pod.world, name);
    await pod.world.startBroker();
    await pod.world.broker.logged("a ghost of this pool was deleted");
    assert.deepEqual(
      pod.world.github
        .runners()
        .map((runner) => runner.name)
        .sort(),
      keep.sort(),
    );
  });

  it("names every variable that is missing, and ends", async () => {
    await assert.rejects(
      pod.world.startBroker({ GITHUB_OWNER: "", DIGDAG_ENDPOINT: "not a url", RUNNER_LABELS: "," }),
      (error: Error) => {
        for (const name of ["GITHUB_OWNER", "DIGDAG_ENDPOINT", "RUNNER_LABELS"])
          assert.match(error.message, new RegExp(name));
        return true;
      },
    );
    assert.equal(await pod.world.broker.exited, 1);
  });
});

async function register(world: World, name: string): Promise<void> {
  const answer = await fetch(
    `${world.github.apiUrl}/repos/${REPOSITORY}/actions/runners/generate-jitconfig`,
    {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ name, labels: LABELS, runner_group_id: 1 }),
    },
  );
  assert.equal(answer.status, 201);
}
