import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { BrokerFixture, JIT_PATH } from "./support/brokerFixture";
import { until } from "./support/until";

describe("the broker as the keeper of the lease", function () {
  this.timeout(60_000);
  const pod = new BrokerFixture();

  beforeEach(() => pod.open());
  afterEach(() => pod.close());

  describe("deciding who holds it", () => {
    it("refuses a second connection, with a wrong key and with none", async () => {
      await pod.world.startBroker();
      const probe = await pod.ready();
      await probe.message("jit");
      for (const hello of [{}, { key: "0".repeat(64) }]) {
        const thief = await pod.connect(hello);
        await thief.message("refused");
        thief.send({ type: "ready" });
        await until("the connection closes", () => thief.closed);
        assert.deepEqual(thief.received, []);
      }
      assert.equal(pod.mints().length, 1);
    });

    it("takes back who shows the key after a restart, refuses the others, and leaves the runner alone", async () => {
      await pod.world.startBroker();
      const probe = await pod.connect();
      const { key } = await probe.message("welcome");
      probe.send({ type: "ready" });
      const { runnerId } = await probe.message("jit");
      await pod.world.broker.kill("SIGKILL");
      await pod.world.startBroker();
      const thief = await pod.connect();
      assert.match((await thief.message("refused")).reason, /still lives/);
      const back = await pod.connect({ key, runnerId });
      assert.equal((await back.message("welcome")).key, key);
      await sleep(500);
      assert.deepEqual(
        pod.world.github.runners().map((runner) => runner.id),
        [runnerId],
      );
    });

    it("gives no new lease without the key while the former supervisor lives, however long that is", async () => {
      await pod.world.startBroker();
      const holder = await pod.ready();
      await holder.message("jit");
      holder.close();
      await pod.world.broker.logged("connection is gone");
      await sleep(1300);
      const thief = await pod.connect();
      assert.match((await thief.message("refused")).reason, /still lives/);
    });

    it("gives a new lease without the key some time after the former supervisor died, once its runner is gone", async () => {
      await pod.world.startBroker();
      const holder = await pod.connect({ beacon: "nobody-holds-this-name" });
      await holder.message("welcome");
      holder.send({ type: "ready" });
      const { runnerId } = await holder.message("jit");
      holder.close();
      await pod.world.broker.logged("connection is gone");
      const early = await pod.connect();
      assert.match((await early.message("refused")).reason, /a moment ago/);
      await sleep(1100);
      const next = await pod.ready();
      const jit = await next.message("jit");
      assert.notEqual(jit.runnerId, runnerId);
      assert.deepEqual(
        pod.world.github.runners().map((runner) => runner.id),
        [jit.runnerId],
      );
    });

    it("closes a connection that does not speak the protocol", async () => {
      await pod.world.startBroker();
      const stranger = await pod.connect();
      await stranger.message("welcome");
      stranger.send({ type: "surprise" } as never);
      await until("the connection closes", () => stranger.closed);
    });
  });

  describe("when asked to drain", () => {
    it("deletes an idle runner, hands out no other and is not ready", async () => {
      await pod.world.startBroker();
      const probe = await pod.ready();
      await probe.message("jit");
      probe.send({ type: "drain" });
      assert.equal((await probe.message("drained")).outcome, "deleted");
      assert.deepEqual(pod.world.github.runners(), []);
      probe.send({ type: "ready" });
      await pod.world.ready(/stopping/);
      assert.equal(pod.mints().length, 1);
    });

    it("deletes the runner that was being registered at that moment", async () => {
      pod.world.github.addFault({ method: "POST", path: JIT_PATH, action: { type: "delay", ms: 1500 } });
      await pod.world.startBroker();
      const probe = await pod.ready();
      await until("Digdag was probed, so the registration comes next", () =>
        pod.world.digdag.requests.some((request) => request.path.startsWith("/api/projects")),
      );
      await sleep(200);
      probe.send({ type: "drain" });
      assert.equal((await probe.message("drained")).outcome, "deleted");
      assert.deepEqual(pod.world.github.runners(), []);
      assert.deepEqual(probe.received, []);
    });
  });

  it("deletes a registration left over when it is stopped after the supervisor has gone", async () => {
    await pod.world.startBroker();
    const probe = await pod.ready();
    await probe.message("jit");
    probe.close();
    await pod.world.broker.logged("connection is gone");
    assert.equal(await pod.world.broker.kill("SIGTERM"), 0);
    assert.deepEqual(pod.world.github.runners(), []);
  });

  it("leaves the runner alone when only the broker is stopped, as for a new start of its container", async () => {
    await pod.world.startBroker();
    const { runnerId } = await (await pod.ready()).message("jit");
    assert.equal(await pod.world.broker.kill("SIGTERM"), 0);
    assert.deepEqual(
      pod.world.github.runners().map((runner) => runner.id),
      [runnerId],
    );
  });
});
