import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { type Digdag, type DigdagOptions, startDigdag } from "../../../local/digdag";

const DAILY = "timezone: Asia/Tokyo\nschedule:\n  daily>: 07:00:00\n+hello:\n  echo>: hello\n";
const MANUAL = "+hello:\n  echo>: hello\n";

async function archive(files: Record<string, string | Buffer>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

describe("the Digdag stand-in", () => {
  const running: Digdag[] = [];
  let digdag: Digdag;
  const start = async (options: DigdagOptions = {}) => {
    const started = await startDigdag({ now: () => new Date("2026-11-30T03:00:00Z"), ...options });
    running.push(started);
    return started;
  };
  beforeEach(async () => {
    digdag = await start();
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.close();
  });

  // biome-ignore lint/suspicious/noExplicitAny: single fields are read
  type Result = { status: number; body: any; headers: Headers };
  const call = async (path: string, init?: RequestInit): Promise<Result> => {
    const response = await fetch(digdag.url + path, init);
    return { status: response.status, body: await response.json(), headers: response.headers };
  };
  const put = (revision: string, body: Buffer, headers: Record<string, string> = {}, project = "demo") =>
    call(`/api/projects?project=${project}&revision=${revision}`, {
      method: "PUT",
      body: new Uint8Array(body),
      headers: { "content-type": "application/gzip", ...headers },
    });
  const message = async (result: Promise<Result>, status: number) => {
    const { status: got, body } = await result;
    assert.equal(got, status, JSON.stringify(body));
    assert.equal(body.status, status);
    return body.message;
  };

  it("names itself a stand-in in every answer", async () => {
    assert.equal((await call("/api/version")).headers.get("server"), "digdag-stand-in");
    assert.equal((await call("/api/nosuch")).headers.get("server"), "digdag-stand-in");
  });

  it("answers version and version check", async () => {
    assert.deepEqual((await call("/api/version")).body, { version: "0.10.5.1" });
    assert.deepEqual((await call("/api/version/check?client=0.10.5.1")).body, {
      serverVersion: "0.10.5.1",
      upgradeRecommended: false,
      apiCompatible: true,
    });
  });

  it("takes a push and answers as Digdag does", async () => {
    const bytes = await archive({ "daily.dig": DAILY, "./manual.dig": MANUAL, "sub/not.dig": "- x" });
    const md5 = createHash("md5").update(bytes).digest("base64");
    const { status, body } = await put("r1", bytes);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      id: body.id,
      name: "demo",
      revision: "r1",
      createdAt: "2026-11-30T03:00:00Z",
      updatedAt: "2026-11-30T03:00:00Z",
      deletedAt: null,
      archiveType: "db",
      archiveMd5: md5,
    });
    assert.equal(typeof body.id, "string");
    const { workflows } = (await call(`/api/projects/${body.id}/workflows`)).body;
    assert.deepEqual(
      workflows.map(({ name, timezone, revision, config }: Record<string, unknown>) => ({
        name,
        timezone,
        revision,
        config,
      })),
      [
        {
          name: "daily",
          timezone: "Asia/Tokyo",
          revision: "r1",
          config: { schedule: { "daily>": "07:00:00" }, "+hello": { "echo>": "hello" } },
        },
        { name: "manual", timezone: "UTC", revision: "r1", config: { "+hello": { "echo>": "hello" } } },
      ],
    );
    const [schedule] = (await call(`/api/projects/${body.id}/schedules`)).body.schedules;
    assert.equal(typeof schedule.id, "string");
    assert.equal(schedule.workflow.name, "daily");
    assert.equal(schedule.nextRunTime, "2026-11-30T22:00:00Z");
    assert.equal(schedule.nextScheduleTime, "2026-12-01T00:00:00+09:00");
    assert.equal(schedule.disabledAt, null);
  });

  it("gives back the exact bytes of every revision", async () => {
    const [one, two] = [await archive({ "a.dig": MANUAL }), await archive({ "b.dig": MANUAL })];
    const { id } = (await put("r1", one)).body;
    await put("r2", two);
    const download = async (query: string) =>
      Buffer.from(await (await fetch(`${digdag.url}/api/projects/${id}/archive${query}`)).arrayBuffer());
    assert.deepEqual(await download("?revision=r1"), one);
    assert.deepEqual(await download(""), two);
  });

  it("lists revisions newest first and finds one by name", async () => {
    const { id } = (await put("r1", await archive({ "a.dig": MANUAL }))).body;
    await put("r2", await archive({ "b.dig": MANUAL }));
    const names = async (query: string) =>
      (await call(`/api/projects/${id}/revisions${query}`)).body.revisions.map(
        ({ revision }: { revision: string }) => revision,
      );
    assert.deepEqual(await names(""), ["r2", "r1"]);
    assert.deepEqual(await names("?name=r1"), ["r1"]);
    assert.deepEqual(await names("?name=r9"), []);
    const old = (await call(`/api/projects/${id}/workflows?revision=r1`)).body.workflows;
    assert.deepEqual(
      old.map(({ name }: { name: string }) => name),
      ["a"],
    );
  });

  it("answers an unknown name with an empty list and an unknown id with 404", async () => {
    assert.deepEqual((await call("/api/projects?name=nosuch")).body, { projects: [] });
    assert.match(await message(call("/api/projects/99"), 404), /does not exist/);
    assert.match(await message(call("/api/projects/99/schedules"), 404), /does not exist/);
  });

  it("refuses a push that breaks the rules with 400, and keeps serving the former revision", async () => {
    const good = await archive({ "a.dig": DAILY });
    const { id } = (await put("r1", good)).body;
    assert.match(
      await message(put("r2", good, { "content-type": "application/octet-stream" }), 400),
      /Content-Type/,
    );
    assert.match(await message(put("r2", Buffer.from("not gzip")), 400), /gz/);
    assert.match(await message(put("r2", gzipSync("not a tar".repeat(100))), 400), /cannot be read/);
    assert.match(await message(put("", good), 400), /revision= is required/);
    assert.match(await message(put("r2", good, {}, ""), 400), /project= is required/);
    for (const [text, reason] of [
      ["+a:\n  echo>: 1\n+a:\n  echo>: 2\n", /a\.dig.*unique/],
      ["a: [1\n", /a\.dig/],
      ["- a\n", /mapping/],
      ["timezone: Asia/Tokio\n+a:\n", /Asia\/Tokio/],
      ["schedule:\n  nosuch>: 1\n", /nosuch/],
      ["_export:\n  a: 1\n!include : 'missing.yml'\n", /missing\.yml/],
    ] as const) {
      assert.match(await message(put("r2", await archive({ "a.dig": text })), 400), reason);
    }
    assert.match(await message(put("r2", await archive({ "1st.dig": MANUAL })), 400), /1st/);
    const large = await archive({ "a.dig": MANUAL, zeros: Buffer.alloc(2 * 1024 * 1024) });
    assert.match(await message(put("r2", large), 400), /exceeds limit/);
    const [project] = (await call("/api/projects?name=demo")).body.projects;
    assert.deepEqual([project.id, project.revision], [id, "r1"]);
    assert.equal((await call(`/api/projects/${id}/schedules`)).body.schedules.length, 1);
  });

  it("refuses a body without Content-Length, and one of more than 2 MiB", async () => {
    const bytes = await archive({ "a.dig": MANUAL });
    const status = await new Promise((resolve, reject) => {
      const chunked = request(`${digdag.url}/api/projects?project=demo&revision=r1`, {
        method: "PUT",
        headers: { "content-type": "application/gzip", "transfer-encoding": "chunked" },
      });
      chunked.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      chunked.end(bytes);
    });
    assert.equal(status, 400);
    assert.match(await message(put("r1", Buffer.alloc(2 * 1024 * 1024 + 1)), 400), /exceeds limit/);
  });

  it("stores nothing when the body ends half way", async () => {
    const bytes = await archive({ "a.dig": MANUAL });
    await new Promise<void>((resolve) => {
      const socket = connect(digdag.port, "127.0.0.1", () => {
        socket.write(
          `PUT /api/projects?project=demo&revision=r1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/gzip\r\nContent-Length: ${bytes.length}\r\n\r\n`,
        );
        socket.end(bytes.subarray(0, bytes.length >> 1));
      });
      socket
        .on("close", () => resolve())
        .on("error", () => undefined)
        .resume();
    });
    assert.deepEqual((await call("/api/projects?name=demo")).body.projects, []);
  });

  it("takes a revision name once, even from pushes at the same moment", async () => {
    const bytes = await archive({ "a.dig": MANUAL });
    const statuses = (await Promise.all([1, 2, 3, 4].map(() => put("r1", bytes)))).map(
      ({ status }) => status,
    );
    assert.deepEqual(statuses.sort(), [200, 409, 409, 409]);
    assert.match(
      await message(put("r1", bytes), 409),
      /Resource already exists: revision=r1 in project id=\d+/,
    );
  });

  it("accepts an archive without workflows and drops every schedule, as Digdag does", async () => {
    const { id } = (await put("r1", await archive({ "a.dig": DAILY }))).body;
    assert.equal((await put("r2", await archive({}))).status, 200);
    assert.deepEqual((await call(`/api/projects/${id}/schedules`)).body.schedules, []);
  });

  it("keeps a schedule by its workflow's name, disabled or not, and forgets it when it is dropped", async () => {
    const { id } = (await put("r1", await archive({ "a.dig": DAILY }))).body;
    const schedule = async () => (await call(`/api/projects/${id}/schedules`)).body.schedules[0];
    const first = await schedule();
    const disabled = (await call(`/api/schedules/${first.id}/disable`, { method: "POST" })).body;
    assert.equal(disabled.disabledAt, "2026-11-30T03:00:00Z");
    await put("r2", await archive({ "a.dig": DAILY.replace("07", "08"), "b.dig": MANUAL }));
    const kept = await schedule();
    assert.deepEqual(
      [kept.id, kept.disabledAt, kept.nextRunTime],
      [first.id, disabled.disabledAt, "2026-11-30T23:00:00Z"],
    );
    await put("r3", await archive({ "b.dig": MANUAL }));
    await put("r4", await archive({ "a.dig": DAILY }));
    assert.equal((await schedule()).disabledAt, null);
    const { id: scheduleId } = await schedule();
    await call(`/api/schedules/${scheduleId}/disable`, { method: "POST" });
    assert.equal(
      (await call(`/api/schedules/${scheduleId}/enable`, { method: "POST" })).body.disabledAt,
      null,
    );
  });

  it("starts schedules from schedule_from", async () => {
    const { id } = (await put("r1&schedule_from=2026-12-24T00:00:00Z", await archive({ "a.dig": DAILY })))
      .body;
    assert.equal(
      (await call(`/api/projects/${id}/schedules`)).body.schedules[0].nextRunTime,
      "2026-12-24T22:00:00Z",
    );
  });

  it("gives a project that was deleted and pushed again a new id and free revision names", async () => {
    const bytes = await archive({ "a.dig": DAILY });
    const { id } = (await put("r1", bytes)).body;
    assert.equal(
      (await call(`/api/projects/${id}`, { method: "DELETE" })).body.deletedAt,
      "2026-11-30T03:00:00Z",
    );
    assert.deepEqual((await call("/api/projects?name=demo")).body.projects, []);
    const again = await put("r1", bytes);
    assert.equal(again.status, 200);
    assert.notEqual(again.body.id, id);
  });

  it("asks for basic authentication everywhere but at /api/version", async () => {
    digdag = await start({ auth: { user: "u", password: "p" } });
    assert.equal((await call("/api/version")).status, 200);
    assert.equal((await call("/api/version/check")).status, 200);
    await message(call("/api/projects"), 401);
    const header = (pair: string) => ({
      headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` },
    });
    await message(call("/api/projects", header("u:wrong")), 401);
    assert.equal((await call("/api/projects", header("u:p"))).status, 200);
  });

  it("zips its answers for clients that ask for it, and only for them", async () => {
    const encoding = (accept: string) =>
      new Promise((resolve, reject) => {
        request(`${digdag.url}/api/projects`, { headers: { "accept-encoding": accept } }, (response) => {
          response.resume();
          resolve(response.headers["content-encoding"]);
        })
          .on("error", reject)
          .end();
      });
    assert.equal(await encoding("gzip, deflate"), "gzip");
    assert.equal(await encoding("identity"), undefined);
  });

  it("keeps its projects across a restart when a state file is named", async () => {
    const folder = mkdtempSync(join(tmpdir(), "digdag-stand-in-test-"));
    try {
      const stateFile = join(folder, "digdag.json");
      digdag = await start({ stateFile });
      const { id } = (await put("r1", await archive({ "a.dig": DAILY }))).body;
      await digdag.close();
      digdag = await start({ stateFile });
      assert.equal((await call(`/api/projects/${id}`)).body.revision, "r1");
      assert.equal((await call(`/api/projects/${id}/schedules`)).body.schedules.length, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe("makes faults to order:", () => {
    const fails = (path: string) =>
      assert.rejects(fetch(digdag.url + path, { signal: AbortSignal.timeout(150) }));

    it("a status, for the requests it is ordered for, as often as ordered", async () => {
      digdag.addFault({ kind: "status", status: 503, method: "GET", path: "/api/projects", times: 2 });
      assert.equal((await call("/api/version")).status, 200);
      await message(call("/api/projects"), 503);
      await message(call("/api/projects?name=x"), 503);
      assert.equal((await call("/api/projects")).status, 200);
    });

    it("an error page with a stack trace", async () => {
      digdag.addFault({ kind: "html" });
      const response = await fetch(`${digdag.url}/api/version`);
      assert.deepEqual([response.status, response.headers.get("content-type")], [500, "text/html"]);
      assert.match(await response.text(), /at io\.digdag\./);
    });

    it("a delay, no answer at all, a cut connection", async () => {
      digdag.addFault({ kind: "delay", milliseconds: 60 });
      const started = performance.now();
      await call("/api/version");
      assert.ok(performance.now() - started >= 55);
      digdag.addFault({ kind: "hang" });
      await fails("/api/version");
      digdag.addFault({ kind: "reset" });
      await fails("/api/version");
    });

    it("an answer that is lost after the push was stored", async () => {
      digdag.addFault({ kind: "status", status: 502, method: "PUT", commit: true });
      await message(put("r1", await archive({ "a.dig": MANUAL })), 502);
      assert.equal((await call("/api/projects?name=demo")).body.projects[0].revision, "r1");
    });

    it("over HTTP, for a stand-in that runs as a process", async () => {
      const order = { kind: "status", status: 500 };
      const response = await fetch(`${digdag.url}/_local/faults`, {
        method: "POST",
        body: JSON.stringify(order),
      });
      assert.equal(response.status, 204);
      await message(call("/api/version"), 500);
      await fetch(`${digdag.url}/_local/faults`, { method: "POST", body: JSON.stringify(order) });
      await fetch(`${digdag.url}/_local/faults`, { method: "DELETE" });
      assert.equal((await call("/api/version")).status, 200);
    });
  });
});
