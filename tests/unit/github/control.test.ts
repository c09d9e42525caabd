import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { defaultToken, type GitHub, startGitHub } from "../../../local/github/server";
import { withTypeScript } from "../../../local/lib/typescript";
import { call, directoryOf, register } from "../../runtime/github/support";

const spec = { repository: "acme/etl", labels: ["digdag"], steps: [{ name: "a", run: "true" }] };

describe("GitHub stand-in: control API", () => {
  let github: GitHub;
  beforeEach(async () => {
    github = await startGitHub();
  });
  afterEach(() => github.close());
  const control = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${github.controlUrl}/_local${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, data: text ? JSON.parse(text) : undefined };
  };

  it("queues, shows and cancels jobs", async () => {
    const { data: job } = await control("POST", "/jobs", spec);
    assert.equal(job.status, "queued");
    assert.deepEqual((await control("GET", "/jobs")).data, [job]);
    assert.equal((await control("POST", `/jobs/${job.id}/cancel`)).data.conclusion, "cancelled");
    assert.equal((await control("GET", `/jobs/${job.id}`)).data.status, "completed");
  });

  it("shows the jobs of one repository from an id on, and the requests for a path since a time", async () => {
    for (const repository of ["acme/etl", "acme/web", "acme/etl"])
      await control("POST", "/jobs", { ...spec, repository });
    const ids = async (query: string) =>
      (await control("GET", `/jobs?${query}`)).data.map(({ id }: { id: number }) => id);
    assert.deepEqual(await ids("repository=Acme/etl"), [1, 3]);
    assert.deepEqual(await ids("repository=acme/etl&from=2"), [3]);
    await fetch(`${github.apiUrl}/meta`);
    await fetch(`${github.apiUrl}/rate_limit`);
    const paths = async (query: string) =>
      (await control("GET", `/requests?${query}`)).data.map(({ path }: { path: string }) => path);
    assert.deepEqual(await paths("path=^/meta$"), ["/meta"]);
    assert.deepEqual(await paths("since=9999-01-01T00:00:00Z"), []);
    assert.equal((await control("GET", "/requests?path=(")).status, 400);
  });

  it("shows and removes runners", async () => {
    const { id } = await register(github);
    assert.equal((await control("GET", "/runners")).data[0].id, id);
    assert.equal((await control("DELETE", `/runners/${id}`)).status, 204);
    assert.deepEqual(github.runners(), []);
  });

  it("commits a directory", async () => {
    const directory = directoryOf({ "a.txt": "one" });
    try {
      const { data } = await control("POST", "/commits", { repository: "acme/etl", directory });
      assert.equal((await control("POST", "/jobs", spec)).data.sha, data.sha);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("orders faults, revokes tokens, moves the clock and shows requests", async () => {
    const path = "/repos/acme/etl/actions/runners";
    assert.equal(
      (await control("POST", "/faults", { path, action: { type: "respond", status: 500 } })).status,
      204,
    );
    assert.equal((await call(github, `GET ${path}`)).status, 500);
    await register(github);
    await control("POST", "/clock", { milliseconds: 25 * 60 * 60 * 1000 });
    assert.deepEqual(github.runners(), []);
    await control("POST", "/tokens/revoke", { value: defaultToken });
    assert.equal((await call(github, `GET ${path}`)).status, 401);
    await control("PUT", "/tokens", { value: "new", scopes: ["acme"] });
    assert.equal((await call(github, `GET ${path}`, {}, "new")).status, 200);
    assert.equal((await control("GET", "/requests")).data.length, 4);
  });

  it("changes Apps, runner groups and the names of repositories", async () => {
    const app = { appId: 7, installationId: 70, account: "acme", publicKey: "" };
    assert.equal((await control("PUT", "/apps", app)).status, 204);
    assert.equal((await control("PUT", "/runner-groups", [{ id: 3, name: "prd" }])).status, 204);
    const groups = await call(github, "GET /orgs/acme/actions/runner-groups");
    assert.equal(groups.data.runner_groups[0].name, "prd");
    const rename = { from: "acme/etl", to: "acme/web" };
    assert.equal((await control("POST", "/renames", rename)).status, 204);
    assert.equal((await control("POST", "/renames", {})).status, 400);
  });

  it("says what is wrong with a request", async () => {
    assert.match((await control("POST", "/jobs", { labels: [] })).data.message, /needs "repository"/);
    assert.match((await control("GET", "/jobs/9")).data.message, /no job 9/);
    assert.match((await control("POST", "/commits", {})).data.message, /needs "repository"/);
    assert.equal((await control("GET", "/nothing")).status, 404);
  });

  it("is not on the public address, where a job could reach it", async () => {
    assert.notEqual(github.controlUrl, github.apiUrl);
    assert.equal((await fetch(`${github.apiUrl}/_local/jobs`)).status, 404);
    assert.match(github.controlUrl, /^http:\/\/127\.0\.0\.1:/);
  });
});

describe("GitHub stand-in: process", () => {
  let directory: string;
  let child: ChildProcess;
  afterEach(async () => {
    if (child.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true });
  });
  const start = (options: object) => {
    directory = directoryOf({ "options.json": JSON.stringify(options) });
    child = spawn(
      process.execPath,
      [...withTypeScript, join(__dirname, "../../../local/github/main.ts"), join(directory, "options.json")],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    return createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  };

  it("prints one line when it is ready, then one per request without the token, and ends on SIGTERM", async () => {
    const lines = start({ tokens: [{ value: "hidden", scopes: ["*"] }] });
    const ready = JSON.parse((await lines.next()).value);
    assert.deepEqual([ready.standIn, ready.ready], ["github", true]);
    await fetch(`${ready.apiUrl}/rate_limit?x=hidden`, { headers: { authorization: "Bearer hidden" } });
    const { value: line } = await lines.next();
    const { method, path, status } = JSON.parse(line);
    assert.deepEqual([method, path, status], ["GET", "/rate_limit", 200]);
    assert.ok(!line.includes("hidden"));
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });

  it("says which address it cannot have", async () => {
    const taken = await startGitHub();
    try {
      start({ port: Number(new URL(taken.apiUrl).port) });
      let stderr = "";
      child.stderr?.on("data", (text) => {
        stderr += text;
      });
      const [code] = await once(child, "close");
      assert.equal(code, 1);
      assert.match(stderr, /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/);
    } finally {
      await taken.close();
    }
  });
});
