import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { GitHubOptions } from "../../../local/github/server";
import type { GitHubRunners } from "../../../runner-image/broker/github";
import { register } from "../../runtime/github/support";
import { GitHubScene, rejects } from "./gitHubScene";

const runnersPath = "/actions/runners";
const page = "<html><title>Sign in</title></html>";
const LABELS = ["self-hosted", "stg"];

describe("the broker's calls to GitHub", () => {
  let scene: GitHubScene;
  const start = async (options?: GitHubOptions) => {
    scene = await GitHubScene.start(options);
  };
  const connect = () => scene.connect();
  const connectOrganization = (runnerGroup?: string) => scene.connect({ repository: undefined, runnerGroup });
  const answerOnce = (path: string, status: number, body?: unknown, headers: Record<string, string> = {}) =>
    scene.github.addFault({ path, action: { type: "respond", status, body, headers } });

  afterEach(() => scene.close());

  it("list runners over several pages, and those of one name", async () => {
    await start();
    for (let number = 1; number <= 101; number++) await register(scene.github, `runner-${number}`);
    const runners = await connect();
    assert.equal((await runners.list()).length, 101);
    assert.deepEqual(
      (await runners.list("runner-7")).map(({ name }) => name),
      ["runner-7"],
    );
    assert.deepEqual(
      scene.calls.map(({ status }) => status),
      [200, 200, 200],
    );
  });

  it("count against the limit that registrations do not share", async () => {
    await start({ rateLimit: 50 });
    const runners = await connect();
    await runners.list();
    await runners.mint("runner-1", LABELS);
    assert.deepEqual(scene.remaining, [49]);
  });

  it("find everything below the path of GitHub Enterprise Server", async () => {
    await start({ apiPath: "/api/v3" });
    const runners = await connect();
    const { id } = await runners.mint("runner-1", LABELS);
    assert.equal((await runners.get(id))?.name, "runner-1");
    assert.deepEqual(
      (await runners.list()).map((runner) => runner.id),
      [id],
    );
    assert.equal(await runners.delete(id), "deleted");
    assert.ok(scene.github.requests().every(({ path }) => path.startsWith("/api/v3/repos/acme/etl/")));
  });

  describe("with something else than GitHub answering", () => {
    const questions: [string, (runners: GitHubRunners) => Promise<unknown>][] = [
      ["get", (runners) => runners.get(1)],
      ["list", (runners) => runners.list()],
      ["delete", (runners) => runners.delete(1)],
      ["mint", (runners) => runners.mint("runner-1", LABELS)],
      ["newestVersion", (runners) => runners.newestVersion()],
    ];
    const wrong: [string, unknown][] = [
      ["a login page", page],
      ["JSON of another shape", { ok: true }],
      ["null", null],
      ["nothing", ""],
    ];
    for (const [name, question] of questions) {
      it(`believe no good status: ${name}`, async () => {
        await start();
        const runners = await connect();
        for (const [, body] of wrong) {
          // A fault without a body would get one of the stand-in's own.
          answerOnce(runnersPath, name === "mint" ? 201 : 200, body ?? "null");
          const error = await rejects(question(runners), "unexpected", /is not GitHub's: it came instead of/);
          assert.equal(error.mayHaveHadEffect, true);
        }
        assert.equal(scene.calls.length, wrong.length, "it asked again");
      });
    }

    it("do not take a page with 404 for a runner that is gone", async () => {
      await start();
      answerOnce(runnersPath, 404, page);
      await rejects((await connect()).get(1), "unexpected", /"Sign in"/);
    });

    it("do not take a list of runners out of a page when a 404 is in doubt", async () => {
      await start();
      answerOnce("runners/1$", 404, { message: "Not Found" });
      answerOnce("runners$", 200, page);
      await rejects((await connect()).delete(1), "unexpected", /a list of runners/);
    });
  });

  it("do not take a conflict for an empty list", async () => {
    await start();
    answerOnce(runnersPath, 409, { message: "Conflict" });
    await rejects((await connect()).list(), "conflict", /Conflict/);
    assert.equal(scene.calls.length, 1);
  });

  it("do not ask again at once when GitHub says when to come back", async () => {
    await start();
    answerOnce(runnersPath, 429, { message: "Slow down" }, { "retry-after": "120" });
    const runners = await connect();
    const error = await rejects(runners.list(), "rate-limited", /waiting 120 s/);
    assert.equal(error.retryAfterSeconds, 120);
    await rejects(runners.get(1), "rate-limited", /asked to wait before the next GET .*; waiting 120 s more/);
    assert.equal(scene.github.requests().length, 1);
  });

  it("keep what still has a limit of its own from no call", async () => {
    await start();
    const runners = await connect();
    const used = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(Date.now() / 1000 + 600) };
    answerOnce("generate-jitconfig$", 403, { message: "API rate limit exceeded" }, used);
    for (let attempt = 0; attempt < 2; attempt++)
      await rejects(runners.mint("runner-1", LABELS), "rate-limited", /waiting 60\d s/);
    assert.deepEqual(await runners.list(), []);
    assert.equal(scene.github.requests().length, 2);
  });

  it("retry a look at a runner, and no registration, when the connection breaks", async () => {
    await start();
    const { id } = await register(scene.github);
    const runners = await connect();
    scene.github.addFault({ method: "GET", path: runnersPath, action: { type: "reset" } });
    assert.equal((await runners.get(id))?.id, id);
    scene.github.addFault({ method: "POST", path: runnersPath, action: { type: "reset" } });
    const error = await rejects(runners.mint("runner-2", LABELS), "unreachable", /No answer from GitHub/);
    assert.equal(error.mayHaveHadEffect, true);
    assert.deepEqual(
      scene.calls.map(({ status }) => status),
      [0, 200, 0],
    );
  });

  it("doubt a registration whose answer breaks off", async () => {
    await start();
    const server = createServer((_request, response) => {
      response.writeHead(201, { "content-type": "application/json", "content-length": "1000" });
      response.write('{"runner":{"id":1}', () => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const githubApiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const runners = await scene.connect({ githubApiUrl });
      const error = await rejects(runners.mint("runner-1", LABELS), "unexpected", /an empty body/);
      assert.equal(error.mayHaveHadEffect, true);
    } finally {
      server.close();
    }
  });

  describe("for a repository with another name now", () => {
    beforeEach(async () => {
      await start({ apiPath: "/api/v3" });
    });

    it("repeat method and body where GitHub points, and tell the new name once", async () => {
      scene.github.renameRepository("acme/etl", "acme/pipelines");
      const runners = await connect();
      const { id } = await runners.mint("runner-1", LABELS);
      assert.deepEqual(
        scene.github.runners().map(({ name, labels }) => [name, labels.map((label) => label.name)]),
        [["runner-1", LABELS]],
      );
      assert.equal((await runners.get(id))?.name, "runner-1");
      assert.equal((await runners.list("runner-1")).length, 1);
      assert.equal(await runners.delete(id), "deleted");
      const warnings = scene.log.filter((line) => line.includes("renamed"));
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", /acme\/etl was renamed or transferred and is now acme\/pipelines/);
    });

    for (const location of ["https://elsewhere.example.com/api/v3/x", "/login"]) {
      it(`send nothing to ${location}`, async () => {
        answerOnce(runnersPath, 307, { message: "Moved" }, { location });
        const runners = await connect();
        const error = await rejects(
          runners.mint("runner-1", LABELS),
          "redirected",
          /credential is not sent|where to/,
        );
        assert.equal(error.mayHaveHadEffect, false);
        assert.equal(scene.github.requests().length, 1);
      });
    }

    it("end when the redirects do not", async () => {
      const location = `${scene.github.apiUrl}/repos/acme/etl/actions/runners`;
      scene.github.addFault({
        path: runnersPath,
        times: 0,
        action: { type: "respond", status: 301, headers: { location } },
      });
      await rejects((await connect()).list(), "redirected", /a few times/);
      assert.equal(scene.github.requests().length, 4);
    });
  });

  describe("with a runner group", () => {
    const groups = Array.from({ length: 120 }, (_, at) => ({ id: at + 1, name: `group-${at + 1}` }));

    it("register there, and look it up once", async () => {
      await start({ runnerGroups: groups });
      const runners = await connectOrganization("group-111");
      for (const name of ["a", "b"]) await runners.mint(name, LABELS);
      assert.deepEqual(
        scene.github.runners().map((runner) => runner.runner_group_id),
        [111, 111],
      );
      assert.equal(scene.calls.filter(({ route }) => route.includes("runner-groups")).length, 2);
    });

    it("use the default group where none is named, without looking", async () => {
      await start();
      await (await connectOrganization()).mint("a", LABELS);
      assert.deepEqual(
        scene.github.runners().map((runner) => runner.runner_group_id),
        [1],
      );
      assert.equal(scene.calls.length, 1);
    });

    it("look again after the group is gone, and name those that exist", async () => {
      await start({ runnerGroups: [...groups.slice(0, 1), { id: 7, name: "prd" }] });
      const runners = await connectOrganization("prd");
      await runners.mint("a", LABELS);
      scene.github.putRunnerGroups([
        { id: 1, name: "Default" },
        { id: 8, name: "stg" },
      ]);
      await rejects(runners.mint("b", LABELS), "not-found", /404/);
      const missing = /organization acme has no runner group "prd". It has: "Default", "stg"/;
      await rejects(runners.mint("c", LABELS), "invalid", missing);
      scene.github.putRunnerGroups([{ id: 9, name: "prd" }]);
      await runners.mint("d", LABELS);
      assert.equal(scene.github.runners().find(({ name }) => name === "d")?.runner_group_id, 9);
    });
  });

  describe("for the newest runner", () => {
    it("tell the version for this platform", async () => {
      await start({ newestRunner: "2.340.1" });
      assert.equal(await (await connect()).newestVersion(), "2.340.1");
      assert.equal(await (await connectOrganization()).newestVersion(), "2.340.1");
    });

    it("tell nothing where there is no build for this platform", async () => {
      await start();
      const filename = "actions-runner-win-x64-2.337.0.zip";
      answerOnce(runnersPath, 200, [{ os: "win", architecture: process.arch, filename }]);
      assert.equal(await (await connect()).newestVersion(), undefined);
    });
  });
});
