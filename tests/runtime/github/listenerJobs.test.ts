import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Scene } from "./scene";
import { call, directoryOf, RunnerHome, register, version } from "./support";

const timestamp = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g;

describe("Runner.Listener stand-in: jobs", () => {
  const scene = Scene.forEachTest();

  describe("with a job", () => {
    it("prints the real one's lines, ends with 0 and its registration is gone", async () => {
      const { jit } = await register(scene.github);
      const job = scene.queue("true");
      const listener = scene.home.start(jit);
      assert.equal(await listener.ends(), 0);
      assert.equal(
        listener.stdout.replace(timestamp, "TIME"),
        `\n√ Connected to GitHub\n\nCurrent runner version: '${version}'\nTIME: Listening for Jobs\nTIME: Running job: job\nTIME: Job job completed with result: Succeeded\n`,
      );
      assert.equal(scene.github.job(job.id).conclusion, "success");
      assert.deepEqual(scene.github.runners(), []);
    });

    it("checks the commit out and hands GitHub's variables to its steps", async () => {
      const sha = scene.queue("true").sha as string;
      const newer = directoryOf({ "schedule.dig": "+changed:\n" });
      await scene.github.commit("acme/etl", newer);
      rmSync(newer, { recursive: true });
      const { jit } = await register(scene.github, "pod-1", ["other"]);
      const job = scene.github.queueJob({
        repository: "acme/etl",
        sha,
        labels: [],
        runAttempt: 2,
        env: { TARGET: "stg" },
        steps: [
          { name: "files", run: "cat schedule.dig; pwd; git rev-parse HEAD" },
          { name: "env", run: "env | sort", env: { EXTRA: "1" } },
        ],
      });
      await scene.home.start(jit, { HOME: "/home/kept" }).ends();
      const { log } = scene.github.job(job.id);
      const workspace = join(scene.home.path, "_work/etl/etl");
      const lines = log.split("\n");
      for (const line of [
        "+a:",
        workspace,
        sha,
        `GITHUB_WORKSPACE=${workspace}`,
        `GITHUB_SHA=${sha}`,
        "GITHUB_REPOSITORY=acme/etl",
        `GITHUB_RUN_ID=${job.id}`,
        "GITHUB_RUN_ATTEMPT=2",
        "GITHUB_REF=refs/heads/main",
        "GITHUB_EVENT_NAME=push",
        `GITHUB_SERVER_URL=${scene.github.apiUrl}`,
        `GITHUB_API_URL=${scene.github.apiUrl}`,
        "RUNNER_NAME=pod-1",
        "RUNNER_OS=Linux",
        `RUNNER_TEMP=${join(scene.home.path, "_work/_temp")}`,
        `RUNNER_TOOL_CACHE=${join(scene.home.path, "_work/_tool")}`,
        "CI=true",
        "GITHUB_ACTIONS=true",
        "HOME=/home/kept",
        "TARGET=stg",
        "EXTRA=1",
      ])
        assert.ok(lines.includes(line), `${line} is missing in:\n${log}`);
      assert.doesNotMatch(log, /ACTIONS_RUNNER_INPUT_JITCONFIG/);
    });

    it("carries GITHUB_ENV and GITHUB_PATH to later steps and the summary to the server", async () => {
      const { jit } = await register(scene.github);
      const job = scene.queue(
        `echo "A=one" >> "$GITHUB_ENV"; printf 'B<<EOF\\ntwo\\nlines\\nEOF\\n' >> "$GITHUB_ENV"; echo /added >> "$GITHUB_PATH"; echo '# Done' >> "$GITHUB_STEP_SUMMARY"`,
        'echo "got $A $B"; echo "$PATH"',
      );
      await scene.home.start(jit).ends();
      const { log, summary } = scene.github.job(job.id);
      assert.match(log, /got one two\nlines\n\/added:/);
      assert.equal(summary, "# Done\n");
    });

    it("fails at the first failing command, skips the rest and runs `always` steps", async () => {
      const { jit } = await register(scene.github);
      const job = scene.queue("false; echo unreached", "echo skipped", {
        run: 'echo "cleaned up"',
        always: true,
      });
      const listener = scene.home.start(jit);
      assert.equal(await listener.ends(), 0);
      assert.match(listener.stdout, /completed with result: Failed/);
      const { conclusion, log } = scene.github.job(job.id);
      assert.equal(conclusion, "failure");
      assert.match(log, /##\[error\]Process completed with exit code 1\./);
      assert.match(log, /\ncleaned up\n/);
      assert.doesNotMatch(log, /^(unreached|skipped)$/m);
    });

    it("fails with Git's message when the checkout fails", async () => {
      const { jit } = await register(scene.github, "r", ["x"], "orgs/acme");
      const job = scene.github.queueJob({
        repository: "acme/none",
        labels: ["x"],
        steps: [{ name: "a", run: "echo ran" }],
      });
      await scene.home.start(jit).ends();
      const { conclusion, log } = scene.github.job(job.id);
      assert.equal(conclusion, "failure");
      assert.match(log, /##\[error\]Checkout failed: .*not found/);
      assert.doesNotMatch(log, /^ran$/m);
    });

    it("succeeds although the server fails when it starts, is checked out and reports its result", async () => {
      const action = { type: "respond", status: 503 } as const;
      for (const path of ["/acquire$", "/info/refs$", "/result$"])
        scene.github.addFault({ path, times: 2, action });
      const job = scene.queue("true");
      assert.equal(await scene.home.start((await register(scene.github)).jit).ends(), 0);
      assert.equal(scene.github.job(job.id).conclusion, "success");
    });

    it("is online and busy meanwhile, and DELETE answers 422", async () => {
      const { id, job, listener } = await scene.busy();
      const path = `/repos/acme/etl/actions/runners/${id}`;
      const { data } = await call(scene.github, `GET ${path}`);
      assert.deepEqual([data.status, data.busy, data.os, data.version], ["online", true, "linux", version]);
      const refused = await call(scene.github, `DELETE ${path}`);
      assert.equal(refused.status, 422);
      assert.match(refused.data.message, /still running a job/);
      scene.github.cancelJob(job.id);
      await listener.ends();
    });

    it("does not wait for a process left in the background", async () => {
      const { jit } = await register(scene.github);
      const job = scene.queue("sleep 30 & echo $! > background.pid; cp background.pid $HOME/background.pid");
      await scene.home.start(jit, { HOME: scene.home.path }).ends();
      process.kill(Number(readFileSync(join(scene.home.path, "background.pid"), "utf8")), "SIGKILL");
      assert.equal(scene.github.job(job.id).conclusion, "success");
    });
  });

  describe("routing", () => {
    it("gives a job only to a runner that has all its labels, whatever their case", async () => {
      const { jit } = await register(scene.github, "stg-1", ["Self-Hosted", "STG"]);
      const other = scene.github.queueJob({
        repository: "acme/etl",
        labels: ["prd"],
        steps: [{ name: "a", run: "true" }],
      });
      const own = scene.github.queueJob({
        repository: "acme/etl",
        labels: ["self-hosted", "stg"],
        steps: [{ name: "a", run: "true" }],
      });
      await scene.home.start(jit).ends();
      assert.equal(scene.github.job(own.id).runnerName, "stg-1");
      assert.equal(scene.github.job(other.id).status, "queued");
    });

    it("gives a job of one repository to its own runners and its organization's, no other's", async () => {
      const elsewhere = await register(scene.github, "web", ["digdag"], "repos/acme/web");
      const organization = await register(scene.github, "org", ["digdag"], "orgs/acme");
      const job = scene.queue("true");
      const idle = scene.home.start(elsewhere.jit);
      await idle.prints("Listening for Jobs");
      const second = await RunnerHome.create();
      try {
        await second.start(organization.jit).ends();
      } finally {
        await second.remove();
      }
      assert.equal(scene.github.job(job.id).runnerName, "org");
      assert.doesNotMatch(idle.stdout, /Running job/);
    });

    it("is first in, first out, one job per registration", async () => {
      const { jit } = await register(scene.github);
      const [first, second] = [scene.queue("true"), scene.queue("true")];
      await scene.home.start(jit).ends();
      assert.equal(scene.github.job(first.id).conclusion, "success");
      assert.equal(scene.github.job(second.id).status, "queued");
      const again = scene.home.start(jit);
      assert.equal(await again.ends(), 1);
      assert.match(again.stderr, /registration has been deleted from the server/);
    });
  });
});
