import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { generate } from "selfsigned";
import type { App } from "../../local/github/server";
import { assertNoSecret, BrokerFixture, JIT_PATH, TOKEN } from "./support/brokerFixture";
import { ConnectProxy } from "./support/connectProxy";
import { until } from "./support/until";

const newKey = () =>
  generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
const key = newKey();
const app: App = { appId: 7, installationId: 70, account: "acme", publicKey: key.publicKey };
const AS_APP = { GITHUB_APP_ID: "7" };
const page = "<html><title>Sign in to Acme</title></html>";

describe("the broker and GitHub", function () {
  this.timeout(60_000);
  const pod = new BrokerFixture();
  afterEach(() => pod.close());

  const openApp = async (changes: Partial<App> = {}) => {
    await pod.open({ apps: [{ ...app, ...changes }] });
    pod.world.writeCredential(key.privateKey);
  };

  describe("as an App", () => {
    it("registers, watches and deletes a runner, and tells of no expiry", async () => {
      await openApp();
      await pod.world.startBroker(AS_APP);
      const probe = await pod.ready();
      const { runnerId } = await probe.message("jit");
      await until("a look at the runner", () => pod.world.requests("GET", /runners\/\d+$/).length > 0);
      probe.send({ type: "drain" });
      assert.equal((await probe.message("drained")).outcome, "deleted");
      assert.deepEqual(
        pod.world.github.runners().filter(({ id }) => id === runnerId),
        [],
      );
      const metrics = await pod.world.metrics();
      assert.doesNotMatch(metrics, /token_expiry/);
      assert.match(
        metrics,
        /route="POST \/app\/installations\/\{installation_id\}\/access_tokens",status="201"/,
      );
      assert.equal(pod.world.requests("POST", /access_tokens$/).length, 1);
    });

    it("goes on with a key that was rotated on disk, after the old one is deleted, without a restart", async () => {
      await openApp();
      await pod.world.startBroker(AS_APP);
      const probe = await pod.ready();
      const first = await probe.message("jit");
      const next = newKey();
      pod.world.github.putApp({ ...app, publicKey: next.publicKey });
      pod.world.writeCredential(next.privateKey);
      probe.send({ type: "ended", runnerId: first.runnerId, exitCode: 0, signal: null });
      probe.send({ type: "ready" });
      assert.notEqual((await probe.message("jit")).runnerId, first.runnerId);
      assert.deepEqual(
        pod.world.requests("POST", /access_tokens$/).map(({ status }) => status),
        [201, 201],
      );
    });

    for (const minutes of [-15, 15]) {
      it(`registers where GitHub's clock is ${minutes} minutes ahead, and says so`, async () => {
        await openApp();
        pod.world.github.advanceClock(minutes * 60_000);
        await pod.world.startBroker(AS_APP);
        await (await pod.ready()).message("jit");
        await pod.world.broker.logged(`different by ${minutes * 60}`.slice(0, -1));
      });
    }

    it("says what is missing, and goes on when it is granted", async () => {
      await openApp({ permission: "read" });
      await pod.world.startBroker(AS_APP);
      const probe = await pod.ready();
      const { reason } = await pod.world.ready(/App 7/);
      assert.match(reason, /needs the repository permission "Administration: write"/);
      pod.world.github.putApp(app);
      await probe.message("jit");
    });
  });

  describe("behind a proxy", () => {
    let proxy: ConnectProxy;
    beforeEach(async () => {
      proxy = await ConnectProxy.start();
    });
    afterEach(() => proxy.close());
    const gitHub = () => new URL(pod.world.github.apiUrl).host;

    it("asks GitHub through it, and reaches Digdag and the address service directly", async () => {
      await pod.open();
      await pod.world.startBroker({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url });
      await (await pod.ready()).message("jit");
      assert.ok(proxy.asked.length > 0);
      assert.deepEqual([...new Set(proxy.asked)], [gitHub()]);
    });

    it("tunnels TLS through it, so that the proxy reads nothing", async () => {
      const altNames = [{ type: 7 as const, ip: "127.0.0.1" }];
      const extensions = [
        { name: "basicConstraints" as const, cA: true },
        { name: "subjectAltName" as const, altNames },
      ];
      const { private: privateKey, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
        extensions,
      });
      await pod.open({ tls: { key: privateKey, cert } });
      const trusted = join(pod.world.directory, "ca.pem");
      writeFileSync(trusted, cert);
      await pod.world.startBroker({ https_proxy: proxy.url, NODE_EXTRA_CA_CERTS: trusted });
      await (await pod.ready()).message("jit");
      assert.deepEqual([...new Set(proxy.asked)], [gitHub()]);
    });

    it("leaves it out for a host in no_proxy", async () => {
      await pod.open();
      await pod.world.startBroker({ http_proxy: proxy.url, no_proxy: "example.com,127.0.0.1" });
      await (await pod.ready()).message("jit");
      assert.deepEqual(proxy.asked, []);
    });

    it("names the proxy that wants a login, without the one it was given, and goes on when it does not", async () => {
      await pod.open();
      proxy.refusal = 407;
      const url = proxy.url.replace("//", "//user:hunter2@");
      await pod.world.startBroker({ http_proxy: url });
      const probe = await pod.ready();
      const { reason } = await pod.world.ready(/proxy/);
      assert.ok(reason.includes(`the proxy ${proxy.url} asks for a login (407)`), reason);
      proxy.refusal = undefined;
      await probe.message("jit");
      assert.doesNotMatch(pod.world.broker.output, /hunter2/);
    });

    it("names the proxy that cannot be reached", async () => {
      await pod.open();
      await proxy.close();
      await pod.world.startBroker({ http_proxy: proxy.url });
      await pod.ready();
      const { reason } = await pod.world.ready(/ECONNREFUSED/);
      assert.ok(reason.includes(`Calls go through the proxy ${proxy.url}`), reason);
    });
  });

  it("follows a renamed repository, and names it once", async () => {
    await pod.open();
    pod.world.github.renameRepository("acme/workflows", "acme/pipelines");
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    probe.send({ type: "drain" });
    await probe.message("drained");
    assert.ok(!pod.world.github.runners().some(({ id }) => id === runnerId));
    const warnings = pod.world.broker.log.filter(({ msg }) => msg?.includes("is now acme/pipelines"));
    assert.equal(warnings.length, 1);
  });

  it("sends its token to no other host, and names that host", async () => {
    let visits = 0;
    const elsewhere = createServer((_request, response) => {
      visits++;
      response.end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    await pod.open();
    try {
      const headers = { location: `${url}/x` };
      const action = { type: "respond" as const, status: 307, headers };
      pod.world.github.addFault({ path: "/actions/runners", times: 0, action });
      await pod.world.startBroker();
      await pod.ready();
      const { reason } = await pod.world.ready(/credential is not sent/);
      assert.ok(reason.includes(url), reason);
      assert.equal(visits, 0);
      assert.equal((await fetch(url)).status, 200);
      assert.equal(visits, 1);
    } finally {
      elsewhere.close();
    }
  });

  it("leaves no runner behind when a page comes instead of the answer to a registration", async () => {
    await pod.open();
    pod.world.github.addFault({
      method: "POST",
      path: JIT_PATH,
      times: 2,
      action: { type: "replace-answer", status: 201, body: page },
    });
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { reason } = await pod.world.ready(/Sign in to Acme/);
    assert.match(reason, /is not GitHub's: it came instead of a runner/);
    const { runnerId } = await probe.message("jit");
    assert.deepEqual(
      pod.world.github.runners().map(({ id }) => id),
      [runnerId],
    );
  });

  it("does not take a page for the end of its former runner", async () => {
    await pod.open();
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    pod.world.github.addFault({
      method: "DELETE",
      path: "/runners/\\d+$",
      times: 2,
      action: { type: "respond", status: 200, body: page },
    });
    probe.send({ type: "drain" });
    await pod.world.broker.logged("is not GitHub's");
    assert.ok(pod.world.github.runners().some(({ id }) => id === runnerId));
    assert.equal((await probe.message("drained")).outcome, "deleted");
  });

  describe("at the log level trace", () => {
    const failures = async () => {
      const broken = [
        { type: "reset" },
        { type: "lose-answer" },
        { type: "replace-answer", status: 201, body: { encoded_jit_config: "eyJzZWNyZXQiOjF9" } },
        ...[401, 422, 502].map((status) => ({ type: "respond" as const, status })),
      ] as const;
      for (const action of broken) pod.world.github.addFault({ method: "POST", path: JIT_PATH, action });
      const probe = await pod.ready();
      const { jitConfig } = await probe.message("jit", 40_000);
      probe.send({ type: "drain" });
      await probe.message("drained");
      const told = [
        pod.world.broker.output,
        await pod.world.metrics(),
        JSON.stringify(await pod.world.readiness()),
      ];
      for (const text of told) {
        assertNoSecret(text);
        assert.ok(!text.includes(jitConfig));
        for (const line of key.privateKey.split("\n").filter(Boolean)) assert.ok(!text.includes(line));
      }
      const asked = pod.world.broker.log.filter(({ msg }) => msg === "GitHub was asked");
      assert.ok(asked.some(({ requestId, status }) => requestId !== undefined && status === 201));
      assert.ok(asked.some(({ status }) => status === 0));
    };

    it("shows request ids and no secret of a token's broker", async () => {
      await pod.open();
      await pod.world.startBroker({ LOG_LEVEL: "trace" });
      await failures();
    });

    it("shows request ids and no secret of an App's broker", async () => {
      await openApp();
      pod.world.github.advanceClock(-15 * 60_000);
      await pod.world.startBroker({ ...AS_APP, LOG_LEVEL: "trace" });
      await failures();
    });

    it("shows nothing of a file that holds another credential than it should", async () => {
      await openApp();
      pod.world.writeCredential(TOKEN);
      await pod.world.startBroker({ ...AS_APP, LOG_LEVEL: "trace" });
      await pod.world.broker.logged("holds a token, not a private key");
      assertNoSecret(pod.world.broker.output);
      await pod.world.broker.kill();
      pod.world.writeCredential(key.privateKey);
      await pod.world.startBroker({ LOG_LEVEL: "trace" });
      await pod.world.broker.logged("holds a private key, not a token");
    });
  });
});
