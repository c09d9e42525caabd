import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/until";
import { Scene } from "./scene";
import { call, quick, RunnerHome, register } from "./support";

describe("Runner.Listener stand-in: life", () => {
  const scene = Scene.forEachTest();

  describe("while idle", () => {
    it("is online while it listens and offline after it was killed", async () => {
      const { id, jit } = await register(scene.github);
      assert.equal(scene.statusOf(id), "offline");
      const listener = scene.home.start(jit);
      await until("it is online", () => scene.statusOf(id) === "online");
      await listener.kill();
      await until("it is offline", () => scene.statusOf(id) === "offline");
    });

    it("ends with 0 on SIGINT; its registration stays", async () => {
      const { id, jit } = await register(scene.github);
      const listener = scene.home.start(jit);
      await listener.prints("Listening for Jobs");
      listener.signal("SIGINT");
      assert.equal(await listener.ends(), 0);
      assert.match(listener.stdout, /Exiting\.\.\.\n$/);
      assert.equal(scene.statusOf(id), "offline");
    });

    it("ends with 0 and says so when it is deleted", async () => {
      const { id, jit } = await register(scene.github);
      const listener = scene.home.start(jit);
      await listener.prints("Listening for Jobs");
      assert.equal((await call(scene.github, `DELETE /repos/acme/etl/actions/runners/${id}`)).status, 204);
      assert.equal(await listener.ends(), 0);
      assert.match(
        listener.stdout,
        /The runner no longer exists on the server\. Cleaning up local configuration\.\n$/,
      );
      assert.ok(!existsSync(join(scene.home.path, ".runner")));
    });

    it("goes on after contact was lost", async () => {
      const { jit } = await register(scene.github);
      scene.github.addFault({ path: "^/_runner/message$", times: 2, action: { type: "reset" } });
      const listener = scene.home.start(jit);
      await listener.prints("Retrying until reconnected.");
      const job = scene.queue("true");
      await listener.prints("Runner reconnected.");
      assert.equal(await listener.ends(), 0);
      assert.equal(scene.github.job(job.id).conclusion, "success");
    });
  });

  describe("at its start", () => {
    it("ends with 1 when it is not configured", async () => {
      const listener = scene.home.start();
      assert.equal(await listener.ends(), 1);
      assert.match(listener.stderr, /Not configured/);
    });

    it("ends with 1 for a configuration that is none, without repeating it", async () => {
      const listener = scene.home.start("secretgarbage");
      assert.equal(await listener.ends(), 1);
      assert.match(listener.stderr, /JIT configuration/);
      assert.doesNotMatch(listener.stderr, /secretgarbage/);
    });

    it("ends with 1 when its registration was deleted before", async () => {
      const { id, jit } = await register(scene.github);
      scene.github.removeRunner(id);
      const listener = scene.home.start(jit);
      assert.equal(await listener.ends(), 1);
      assert.match(listener.stderr, /Failed to create a session\. The runner registration has been deleted/);
    });

    it("ends with 5 when another one has the session, after trying for a while", async () => {
      const { jit } = await register(scene.github);
      await scene.home.start(jit).prints("Listening for Jobs");
      const second = scene.home.start(jit);
      assert.equal(await second.ends(), 5);
      assert.equal(second.stderr.match(/^A session for this runner already exists\.$/gm)?.length, 5);
    });

    it("takes variables from .env in its root", async () => {
      writeFileSync(join(scene.home.path, ".env"), "LEFT_BEHIND=by a former job\n");
      const { jit } = await register(scene.github);
      const job = scene.queue('echo "$LEFT_BEHIND"');
      await scene.home.start(jit).ends();
      assert.match(scene.github.job(job.id).log, /\nby a former job\n/);
    });
  });

  describe("cancellation", () => {
    const always = { run: 'echo "cleaned up"', always: true };

    it("from the server ends the job as cancelled after its `always` steps", async () => {
      const { job, listener } = await scene.busy(always);
      scene.github.cancelJob(job.id);
      assert.equal(await listener.ends(), 0);
      assert.match(listener.stdout, /completed with result: Canceled/);
      const { conclusion, log } = scene.github.job(job.id);
      assert.equal(conclusion, "cancelled");
      assert.match(log, /The operation was canceled[\s\S]*\ncleaned up\n/);
    });

    it("of a queued job needs no runner", () => {
      const job = scene.queue("true");
      assert.equal(scene.github.cancelJob(job.id).conclusion, "cancelled");
    });

    it("by SIGINT waits for the worker and its `always` steps", async () => {
      const { job, listener } = await scene.busy({ ...always, run: 'sleep 1; echo "cleaned up"' });
      listener.signal("SIGINT");
      assert.equal(await listener.ends(), 0);
      const { conclusion, log } = scene.github.job(job.id);
      assert.equal(conclusion, "cancelled");
      assert.match(log, /The runner has received a shutdown signal[\s\S]*\ncleaned up\n/);
      assert.match(listener.stdout, /Exiting\.\.\.\n[\s\S]*completed with result: Canceled/);
      assert.deepEqual(scene.github.runners(), []);
    });

    it("by SIGTERM does the same and ends with 143", async () => {
      const { job, listener } = await scene.busy(always);
      listener.signal("SIGTERM");
      assert.equal(await listener.ends(), 128 + 15);
      assert.equal(scene.github.job(job.id).conclusion, "cancelled");
      assert.match(scene.github.job(job.id).log, /\ncleaned up\n/);
    });
  });

  describe("death", () => {
    it("of the listener fails its job after the heartbeat gap and leaves an offline ghost", async () => {
      const { id, job, listener } = await scene.busy();
      await listener.kill();
      assert.equal((await call(scene.github, `DELETE /repos/acme/etl/actions/runners/${id}`)).status, 422);
      const { conclusion, log } = await scene.github.jobCompleted(job.id);
      assert.equal(conclusion, "failure");
      assert.match(log, /lost communication with the server/);
      const ghost = scene.github.runners().find((each) => each.id === id);
      assert.deepEqual([ghost?.status, ghost?.busy], ["offline", false]);
      assert.equal((await call(scene.github, `DELETE /repos/acme/etl/actions/runners/${id}`)).status, 204);
    });

    it("of the registration fails the job, and the listener ends", async () => {
      const { id, job, listener } = await scene.busy();
      scene.github.removeRunner(id);
      assert.equal(scene.github.job(job.id).conclusion, "failure");
      assert.equal(await listener.ends(), 0);
      assert.match(listener.stdout, /completed with result: Failed/);
    });
  });

  describe("ordered to misbehave", () => {
    it("ends with the ordered code", async () => {
      scene.github.addFault({ listener: { type: "exit", code: 2 } });
      assert.equal(await scene.home.start((await register(scene.github)).jit).ends(), 2);
    });

    it("is refused as a deprecated version: 7 with the flag, 1 without", async () => {
      scene.github.addFault({ times: 2, listener: { type: "deprecated" } });
      const flag = { ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1" };
      const flagged = scene.home.start((await register(scene.github, "a")).jit, flag);
      assert.equal(await flagged.ends(), 7);
      assert.match(flagged.stdout, /Listening for Jobs/);
      assert.match(flagged.stderr, /is deprecated and cannot receive messages/);
      assert.equal(await scene.home.start((await register(scene.github, "b")).jit).ends(), 1);
    });

    it("hangs: it says that it listens, GitHub says offline, no job comes", async () => {
      scene.github.addFault({ listener: { type: "hang" } });
      const { id, jit } = await register(scene.github);
      const listener = scene.home.start(jit);
      await listener.prints("Listening for Jobs");
      await until("it is offline", () => scene.statusOf(id) === "offline");
      const job = scene.queue("true");
      assert.ok(listener.alive);
      assert.equal(scene.github.job(job.id).status, "queued");
    });

    it("loses its assignment: the job is queued again, the registration is gone, the process stays", async () => {
      scene.github.addFault({ listener: { type: "lose-assignment" } });
      const job = scene.queue("true");
      const { jit } = await register(scene.github);
      const listener = scene.home.start(jit);
      await until("the registration is gone", () => scene.github.runners().length === 0);
      assert.equal(scene.github.job(job.id).status, "queued");
      await listener.prints("Listening for Jobs");
      assert.ok(listener.alive);
      const second = await RunnerHome.create();
      try {
        await second.start((await register(scene.github, "second")).jit).ends();
      } finally {
        await second.remove();
      }
      assert.equal(scene.github.job(job.id).runnerName, "second");
      assert.ok(listener.alive);
    });

    it("is told of a session conflict, and connects at its next attempt", async () => {
      scene.github.addFault({ scope: "acme/etl", listener: { type: "session-conflict" } });
      scene.github.addFault({ scope: "acme/web", times: 0, listener: { type: "exit", code: 2 } });
      const listener = scene.home.start((await register(scene.github)).jit);
      await listener.prints("A session for this runner already exists.");
      await listener.prints("Listening for Jobs");
    });

    it("ignores SIGINT and finishes its job", async () => {
      scene.github.addFault({ listener: { type: "ignore-interrupt" } });
      const { jit } = await register(scene.github);
      const job = scene.queue("echo started; sleep 1");
      const listener = scene.home.start(jit);
      await scene.says(job, "started\n");
      listener.signal("SIGINT");
      assert.equal(await listener.ends(), 0);
      assert.equal(scene.github.job(job.id).conclusion, "success");
    });
  });
});

describe("Runner.Listener stand-in: SIGTERM", () => {
  const scene = Scene.forEachTest({ timings: { ...quick, unload: 300 } });

  it("waits no longer than the unload time; nothing of the job survives and it fails", async () => {
    const { job, listener } = await scene.busy({ run: "echo still here; sleep 61.5", always: true });
    listener.signal("SIGTERM");
    assert.equal(await listener.ends(), 128 + 15);
    assert.equal((await scene.github.jobCompleted(job.id)).conclusion, "failure");
    await until("the job's processes are gone", () => !running("sleep 61.5"));
  });
});

describe("a job given to a listener that dies before it takes it", () => {
  const scene = Scene.forEachTest();

  it("is queued again and runs elsewhere; the registration is used up", async () => {
    scene.github.addFault({ path: "/acquire$", action: { type: "hang" } });
    const job = scene.queue("true");
    const { id, jit } = await register(scene.github);
    const listener = scene.home.start(jit);
    await until("the listener is about to take it", () =>
      scene.github.requests().some(({ path }) => path.endsWith("/acquire")),
    );
    await listener.kill();
    await until("the job is queued again", () => scene.github.job(job.id).status === "queued");
    assert.equal(scene.statusOf(id), "offline");
    await scene.home.start((await register(scene.github, "second")).jit).ends();
    assert.equal(scene.github.job(job.id).runnerName, "second");
    assert.equal(scene.github.job(job.id).conclusion, "success");
  });
});

/** Whether a process with exactly this command line runs. */
function running(command: string): boolean {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim() === command;
      } catch {
        return false;
      }
    });
}
