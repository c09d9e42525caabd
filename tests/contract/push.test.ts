import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { archive, DAILY, MANUAL } from "./archive";
import type { Answer } from "./http";
import { INSTANT, refusal, server } from "./server";

const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest("base64");
const LIMIT = 2 * 1024 * 1024;

describe("PUT /api/projects", () => {
  // Measured on 0.10.5.1; GET /api/projects/{id} was read in Digdag's source.
  it("makes a project and describes it", async () => {
    const project = server.project();
    const bytes = await archive({ "a.dig": MANUAL });
    const made = await project.push("r1", bytes);
    assert.equal(typeof made.id, "string");
    assert.match(made.createdAt, INSTANT);
    const { archiveType } = made;
    assert.equal(typeof archiveType, "string");
    assert.deepEqual(made, {
      id: made.id,
      name: project.name,
      revision: "r1",
      createdAt: made.createdAt,
      updatedAt: made.updatedAt,
      deletedAt: null,
      archiveType,
      archiveMd5: md5(bytes),
    });
    assert.deepEqual(await project.served(), made);
    assert.deepEqual(await server.get(`/api/projects/${made.id}`), made);
  });

  // Measured on 0.10.5.1: createdAt is the project's, updatedAt the revision's.
  it("keeps id and time of creation with the next revision", async () => {
    const project = server.project();
    const first = await project.push("r1", { "a.dig": MANUAL });
    const second = await project.push("r2", { "a.dig": MANUAL });
    assert.deepEqual([second.id, second.createdAt], [first.id, first.createdAt]);
    assert.match(second.updatedAt, INSTANT);
    assert.ok(Date.parse(second.updatedAt) >= Date.parse(first.updatedAt));
  });

  // Measured on 0.10.5.1: only *.dig at the top level are workflows, and a leading ./ does no harm.
  it("takes the workflows at the top level, with their time zone and configuration", async () => {
    const { id } = await server.project().push("r1", {
      "daily.dig": DAILY,
      "./manual.dig": MANUAL,
      "sub/not.dig": "- not a workflow",
      "query.sql": "select 1",
    });
    const workflows: Record<string, unknown>[] = await server.get(
      `/api/projects/${id}/workflows`,
      "workflows",
    );
    const shown = workflows.map(({ name, timezone, revision, config }) => ({
      name,
      timezone,
      revision,
      config,
    }));
    assert.deepEqual(
      shown.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
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
  });

  // Measured on 0.10.5.1, and why `digdag-push` reads schedules itself before it pushes.
  it("takes unknown operators, and times of day that are none", async () => {
    const { id } = await server.project().push("r1", {
      "a.dig": "+task:\n  nosuchop>: x\n",
      "b.dig": "schedule:\n  daily>: 25:99:00\n+task:\n  echo>: x\n",
    });
    const [schedule] = await server.get(`/api/projects/${id}/schedules`, "schedules");
    assert.match(schedule.nextRunTime, /T02:39:00Z$/);
  });

  describe("refuses with 400", () => {
    const good = archive({ "a.dig": MANUAL });
    // The statuses are measured on 0.10.5.1, but for the last two cases; words that are not were read in Digdag's source.
    const cases: Record<string, [put: () => Promise<Answer>, says?: RegExp]> = {
      "another Content-Type": [
        async () =>
          server.project().put("r1", await good, { headers: { "content-type": "application/octet-stream" } }),
      ],
      "a body without Content-Length": [
        async () => server.project().put("r1", await good, { chunked: true }),
        /Content-Length header doesn't match/,
      ],
      "more than 2 MiB": [() => server.project().put("r1", Buffer.alloc(LIMIT + 1)), /exceeds limit/],
      "files of more than 2 MiB together": [
        () => {
          const half = Buffer.alloc(LIMIT / 2);
          return server.project().put("r1", { "a.dig": MANUAL, one: half, two: half });
        },
        /exceeds limit/,
      ],
      "what is not gzip": [() => server.project().put("r1", Buffer.from("not gzip"))],
      "broken YAML": [() => server.project().put("r1", { "a.dig": "a: [1\n" })],
      "a key that is there twice": [
        () => server.project().put("r1", { "a.dig": "+a:\n  echo>: 1\n+a:\n  echo>: 2\n" }),
      ],
      "an unknown time zone": [
        () => server.project().put("r1", { "a.dig": "timezone: Asia/Tokio\n+a:\n  echo>: 1\n" }),
      ],
      "no revision": [async () => server.project().put("", await good), /revision= is required/],
      "a schedule_from that is no time": [
        async () => server.project().put("r1", await good, { query: "&schedule_from=tomorrow" }),
        /schedule_from/,
      ],
    };
    for (const [what, [put, says = /./]] of Object.entries(cases))
      it(what, async () => {
        assert.match(refusal(await put(), 400), says);
      });
  });

  // Measured on 0.10.5.1: validation, revision, workflows and schedules are one transaction.
  it("leaves everything as it was when it is refused", async () => {
    const project = server.project();
    const good = await archive({ "a.dig": DAILY, "b.dig": MANUAL });
    const before = await project.push("r1", good);
    const paths = ["", "/revisions", "/workflows", "/schedules"].map(
      (end) => `/api/projects/${before.id}${end}`,
    );
    const all = () => Promise.all(paths.map((path) => server.get(path)));
    const seen = await all();
    refusal(await project.put("r2", { "a.dig": DAILY, "b.dig": "a: [1\n" }), 400);
    refusal(await project.put("r2", Buffer.from("not gzip")), 400);
    refusal(await project.put("r1", { "c.dig": MANUAL }), 409);
    assert.deepEqual(await all(), seen);
    const { body } = await server.call(`/api/projects/${before.id}/archive?direct_download=false`);
    assert.deepEqual(body, good);
    assert.equal((await project.put("r2", good)).status, 200, "the refused revision's name is still free");
  });

  // Measured on 0.10.5.1.
  it("takes a revision's name once, whatever is in it", async () => {
    const project = server.project();
    const bytes = await archive({ "a.dig": MANUAL });
    const { id } = await project.push("r1", bytes);
    const message = refusal(await project.put("r1", bytes), 409);
    assert.match(message, new RegExp(`Resource already exists: .*revision=r1 in project id=${id}`));
    refusal(await project.put("r1", { "b.dig": MANUAL }), 409);
  });

  // Measured on 0.10.5.1, with four at a time.
  it("takes one of eight pushes of one name at the same moment, and refuses seven", async () => {
    const project = server.project();
    await project.push("r0", { "a.dig": MANUAL });
    const bytes = await archive({ "a.dig": MANUAL });
    const answers = await Promise.all(Array.from({ length: 8 }, () => project.put("r1", bytes)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(7).fill(409)]);
    assert.equal((await project.served()).revision, "r1");
  });

  // Measured on 0.10.5.1: the last to be committed is served, whatever came first.
  it("takes all of eight pushes of different names at the same moment, and serves the newest", async () => {
    const project = server.project();
    const { id } = await project.push("r0", { "a.dig": MANUAL });
    const names = Array.from({ length: 8 }, (_, index) => `r${index + 1}`);
    const answers = await Promise.all(names.map((name) => project.put(name, { "a.dig": MANUAL })));
    assert.deepEqual(
      answers.map(({ status }) => status),
      names.map(() => 200),
    );
    const revisions: { revision: string }[] = await server.get(`/api/projects/${id}/revisions`, "revisions");
    assert.deepEqual(revisions.map(({ revision }) => revision).sort(), ["r0", ...names]);
    assert.equal((await project.served()).revision, revisions[0]?.revision);
  });

  // Measured on 0.10.5.1, and why `digdag-push` refuses a directory without workflows.
  it("takes an archive without any file, which ends every schedule", async () => {
    const project = server.project();
    const { id } = await project.push("r1", { "a.dig": DAILY });
    await project.push("r2", {});
    assert.deepEqual(await server.get(`/api/projects/${id}/schedules`, "schedules"), []);
    assert.deepEqual(await server.get(`/api/projects/${id}/workflows`, "workflows"), []);
  });
});
