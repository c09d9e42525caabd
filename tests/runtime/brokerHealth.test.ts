import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Runner } from "../../local/github/types";
import { ApiServer } from "./support/apiServer";
import { BrokerFixture, JIT_PATH } from "./support/brokerFixture";
import { openDirectory } from "./support/program";
import { until } from "./support/until";

const JSON_OF = (runner: Partial<Runner>) => ({ type: "respond" as const, status: 200, body: runner });

describe("the broker about what does not work any more", function () {
  this.timeout(60_000);
  const pod = new BrokerFixture();

  beforeEach(() => pod.open());
  afterEach(() => pod.close());

  /** GitHub answers so to every further look at this runner. */
  const listedAs = (runnerId: number, status: "online" | "offline", busy: boolean) => {
    pod.world.github.addFault({
      method: "GET",
      path: `runners/${runnerId}$`,
      times: 0,
      action: JSON_OF({ id: runnerId, name: "n", os: "linux", status, busy, labels: [] }),
    });
    if (!busy) return;
    pod.world.github.addFault({
      method: "DELETE",
      path: `runners/${runnerId}$`,
      times: 0,
      action: { type: "respond", status: 422, body: { message: "Runner is currently running a job" } },
    });
  };

  it("has a listener replaced whose runner GitHub does not know any more", async () => {
    await pod.world.startBroker({ LISTENER_MISSING_SECONDS: "0.5" });
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    pod.world.github.removeRunner(runnerId);
    const retire = await probe.message("retire");
    assert.equal(retire.runnerId, runnerId);
    assert.match(retire.reason, /does not know/);
    assert.match(await pod.world.metrics(), /listeners_retired_total\{reason="missing"\} 1/);
    // Said again while the listener lives, and counted once.
    await probe.message("retire");
    assert.match(await pod.world.metrics(), /listeners_retired_total\{reason="missing"\} 1/);
    probe.send({ type: "ended", runnerId, exitCode: 0, signal: null });
    probe.send({ type: "ready" });
    assert.notEqual((await probe.message("jit")).runnerId, runnerId);
  });

  it("has a listener replaced whose runner GitHub lists as offline, and deletes that runner first", async () => {
    await pod.world.startBroker({ LISTENER_OFFLINE_SECONDS: "0.5" });
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    const retire = await probe.message("retire");
    assert.match(retire.reason, /offline/);
    assert.deepEqual(
      pod.world.requests("DELETE", new RegExp(`runners/${runnerId}$`)).map(({ status }) => status),
      [204],
    );
  });

  it("never replaces a busy one, however GitHub lists its connection", async () => {
    await pod.world.startBroker({
      LISTENER_OFFLINE_SECONDS: "0.3",
      DIGDAG_PROBE_SECONDS: "0.2",
      SUPERVISOR_SILENT_SECONDS: "1",
    });
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    listedAs(runnerId, "offline", true);
    pod.world.digdag.addFault({ kind: "status", status: 503, times: 1000 });
    await pod.world.ready(/Layer that failed: HTTP/);
    await sleep(2500);
    assert.deepEqual(
      probe.received.filter(({ type }) => type !== "ping"),
      [],
    );
    assert.ok(!existsSync(join(pod.world.leaseDirectory, "restart-runner")));
  });

  it("takes an idle runner from GitHub when Digdag fails, and registers the next when Digdag is back", async () => {
    await pod.world.startBroker({ DIGDAG_PROBE_SECONDS: "0.2" });
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    listedAs(runnerId, "online", false);
    await pod.world.ready();
    pod.world.digdag.addFault({ kind: "status", status: 500, path: "/api/projects", times: 1000 });
    const retire = await probe.message("retire");
    assert.match(retire.reason, /Digdag cannot be used/);
    assert.deepEqual(pod.world.github.runners(), []);
    const { reason } = await pod.world.ready(/Layer that failed: database/);
    assert.match(reason, /leaves from 203\.0\.113\.10/);
    probe.send({ type: "ended", runnerId, exitCode: 0, signal: null });
    probe.send({ type: "ready" });
    await sleep(600);
    assert.equal(pod.mints().length, 1);
    pod.world.digdag.clearFaults();
    await probe.message("jit");
  });

  it("keeps an idle runner when a single probe of Digdag fails", async () => {
    await pod.world.startBroker({ DIGDAG_PROBE_SECONDS: "0.2" });
    const probe = await pod.ready();
    await probe.message("jit");
    pod.world.digdag.addFault({ kind: "status", status: 503, times: 1 });
    await until("the failed probe is counted", async () =>
      /digdag_probes_total\{layer="HTTP"\} 1/.test(await pod.world.metrics()),
    );
    await sleep(800);
    assert.equal(pod.world.github.runners().length, 1);
    assert.ok(!probe.received.some(({ type }) => type === "retire"));
  });

  it("has the kubelet restart a supervisor that does not answer, until it answers after all", async () => {
    const file = join(pod.world.leaseDirectory, "restart-runner");
    await pod.world.startBroker({ SUPERVISOR_SILENT_SECONDS: "1" });
    const probe = await pod.ready();
    await probe.message("jit");
    await pod.world.ready(/has not answered for \d+ s/);
    await until("the file for the liveness probe is there", () => existsSync(file));
    assert.deepEqual(pod.world.github.runners(), [], "its runner could still get a job");
    assert.match(await pod.world.metrics(), /supervisor_restarts_total 1/);
    probe.send({ type: "pong" });
    await until("the file is gone", () => !existsSync(file));
    await until("it is there again", () => existsSync(file));
    probe.close();
    await until("the file is gone with the connection", () => !existsSync(file));
  });

  it("does not leave a file behind that would end the next container", async () => {
    const file = join(pod.world.leaseDirectory, "restart-runner");
    await pod.world.startBroker({ SUPERVISOR_SILENT_SECONDS: "1" });
    await (await pod.ready()).message("jit");
    await until("the file for the liveness probe is there", () => existsSync(file));
    await pod.world.broker.kill("SIGKILL");
    await pod.world.startBroker();
    assert.ok(!existsSync(file));
  });

  it("deletes the runner of a registration during which it was killed", async () => {
    pod.world.github.addFault({ method: "POST", path: JIT_PATH, action: { type: "lose-answer" } });
    pod.world.github.addFault({
      method: "GET",
      path: "actions/runners$",
      times: 0,
      action: { type: "hang" },
    });
    await pod.world.startBroker();
    const probe = await pod.connect();
    const { key } = await probe.message("welcome");
    probe.send({ type: "ready" });
    await until("GitHub has the runner", () => pod.world.github.runners().length === 1);
    const [lost] = pod.world.github.runners();
    await pod.world.broker.kill("SIGKILL");
    pod.world.github.clearFaults();
    await pod.world.startBroker();
    const back = await pod.connect({ key });
    await back.message("welcome");
    back.send({ type: "ready" });
    const { runnerId } = await back.message("jit");
    assert.notEqual(runnerId, lost?.id);
    assert.deepEqual(
      pod.world.github.runners().map(({ id }) => id),
      [runnerId],
    );
  });

  it("does not make a new container wait for the job of one that ended, and sweeps that runner later", async () => {
    await pod.world.startBroker({ SWEEP_SECONDS: "1" });
    const holder = await pod.connect({ beacon: "nobody-holds-this-name" });
    await holder.message("welcome");
    holder.send({ type: "ready" });
    const { runnerId } = await holder.message("jit");
    const busy = {
      method: "DELETE",
      path: `runners/${runnerId}$`,
      action: { type: "respond" as const, status: 422, body: { message: "is currently running a job" } },
    };
    pod.world.github.addFault({ ...busy, times: 6 });
    holder.close();
    await pod.world.broker.logged("connection is gone");
    await sleep(1100);
    const next = await pod.ready();
    const jit = await next.message("jit");
    assert.equal(pod.world.github.runners().length, 2);
    await until("the left over runner is swept", () =>
      pod.world.github.runners().every(({ id }) => id === jit.runnerId),
    );
  });

  it("leaves no registration behind when GitHub refuses the runner's version", async () => {
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    probe.send({ type: "ended", runnerId, exitCode: 7, signal: null });
    probe.send({ type: "ready" });
    await until("the registration is gone", () => pod.world.github.runners().length === 0);
    assert.equal(pod.mints().length, 1);
  });

  it("counts the seconds from a job's end to the next runner online, and says which job it was", async () => {
    await pod.world.startBroker();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    const identity = { repository: "acme/w", workflow: "Deploy", job: "d", runId: "17", runAttempt: "1" };
    probe.send({ type: "job", runnerId, event: "started", name: "deploy" });
    probe.send({ type: "job", runnerId, event: "identified", name: "deploy", identity });
    probe.send({ type: "job", runnerId, event: "completed", name: "deploy", result: "Succeeded", identity });
    probe.send({ type: "ended", runnerId, exitCode: 0, signal: null });
    probe.send({ type: "ready" });
    const next = await probe.message("jit");
    listedAs(next.runnerId, "online", false);
    await pod.world.ready();
    assert.match(await pod.world.metrics(), /job_end_to_online_seconds_count 1/);
    assert.match(await pod.world.metrics(), /digdag_runner_state\{state="idle"\} 1/);
    const line = await pod.world.broker.logged("job completed");
    assert.equal(line.runId, "17");
    assert.equal(line.runnerId, runnerId);
  });
});

describe("the broker of a Pod that ends after its job", function () {
  this.timeout(60_000);
  const pod = new BrokerFixture();
  let apiServer: ApiServer;

  beforeEach(async () => {
    await pod.open();
    apiServer = await ApiServer.start(openDirectory(join(pod.world.directory, "account")));
  });
  afterEach(async () => {
    apiServer.close();
    await pod.close();
  });

  const start = () => pod.world.startBroker(apiServer.variables);
  const deletions = () => apiServer.requests.filter((request) => request.startsWith("DELETE"));

  it("deletes its Pod when a job has ended, again where that fails, and registers no other runner", async () => {
    apiServer.answers = [500, 200];
    await start();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    probe.send({ type: "job", runnerId, event: "started", name: "deploy" });
    await sleep(300);
    assert.deepEqual(deletions(), []);
    pod.world.github.removeRunner(runnerId);
    probe.send({ type: "ended", runnerId, exitCode: 0, signal: null });
    probe.send({ type: "ready" });
    await pod.world.broker.logged("the Pod was asked to end");
    assert.deepEqual(
      deletions(),
      Array(2).fill("DELETE /api/v1/namespaces/runners/pods/digdag-runner-6d5f7c9b8-x2x9k"),
    );
    assert.equal((await pod.world.readiness()).ready, false);
    assert.equal(pod.mints().length, 1);
  });

  it("keeps its Pod when the listener ended without a job, and tries with another runner", async () => {
    await start();
    const probe = await pod.ready();
    const { runnerId } = await probe.message("jit");
    probe.send({ type: "ended", runnerId, exitCode: 5, signal: null });
    probe.send({ type: "ready" });
    await probe.message("jit");
    assert.deepEqual(deletions(), []);
  });

  it("deletes its Pod when the container ended that had a runner: nobody knows what ran there", async () => {
    await start();
    const holder = await pod.connect({ beacon: "nobody-holds-this-name" });
    await holder.message("welcome");
    holder.send({ type: "ready" });
    await holder.message("jit");
    holder.close();
    await pod.world.broker.logged("connection is gone");
    await sleep(1100);
    await pod.ready();
    await pod.world.broker.logged("the Pod was asked to end");
    assert.equal(pod.mints().length, 1);
  });
});
