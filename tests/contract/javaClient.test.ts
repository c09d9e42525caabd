import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archive, DAILY, MANUAL } from "./archive";
import { javaCalls, reasonForNoJava } from "./javaClient";
import { refusal, server, skip } from "./server";

/** The first run downloads the library. */
const SETUP_MS = 10 * 60_000;
const NO_ID = "2000000000";

describe("Digdag's own Java client library", () => {
  const folder = mkdtempSync(join(tmpdir(), "digdag-contract-"));
  // biome-ignore lint/suspicious/noExplicitAny: single fields are read
  let java: Record<string, any>;
  let project: ReturnType<typeof server.project>;
  let scheduled: Buffer;
  let broken: Buffer;
  let id: string;

  before(async function () {
    this.timeout(SETUP_MS);
    const report = (line: string) => console.error(line);
    const reason = await reasonForNoJava(report);
    if (reason) skip(this, reason);
    project = server.project();
    scheduled = await archive({ "daily.dig": DAILY, "manual.dig": MANUAL });
    broken = await archive({ "daily.dig": "a: [1\n" });
    const files = { scheduled: join(folder, "scheduled.tar.gz"), broken: join(folder, "broken.tar.gz") };
    writeFileSync(files.scheduled, scheduled);
    writeFileSync(files.broken, broken);
    const { hostname, port, protocol } = server.url;
    const ssl = protocol === "https:";
    java = await javaCalls(
      {
        ...files,
        host: hostname,
        port: Number(port || (ssl ? 443 : 80)),
        ssl,
        credentials: server.credentials,
        project: project.name,
        scheduleFrom: "2040-12-24T00:00:00Z",
        noId: NO_ID,
      },
      report,
    );
    id = java.putProjectRevision.id;
  });

  after(() => rmSync(folder, { recursive: true }));

  it("reads versions", async () => {
    assert.deepEqual(java.getVersion, await server.get("/api/version"));
    assert.deepEqual(java.checkClientVersion, await server.get("/api/version/check?client=0.10.0"));
  });

  it("pushes", async () => {
    const served = await project.served();
    assert.deepEqual(java.putNextProjectRevision, served);
    const { revision, updatedAt, ...same } = java.putProjectRevision;
    const { revision: next, updatedAt: later, ...ofNext } = served;
    assert.deepEqual([revision, next], ["r1", "r2"]);
    assert.ok(Date.parse(updatedAt) <= Date.parse(later));
    assert.deepEqual(same, ofNext, "with the same bytes, all else is the same");
  });

  it("reads projects, revisions, workflows and archives", async () => {
    assert.deepEqual(java.getProjectByName, await project.served());
    const path = `/api/projects/${id}`;
    for (const [call, rest] of [
      ["getProjectById", ""],
      ["getRevisions", "/revisions"],
      ["getWorkflowDefinitions", "/workflows"],
      ["getWorkflowDefinitionsOfRevision", "/workflows?revision=r1"],
      ["getSchedules", "/schedules"],
    ] as const)
      assert.deepEqual(java[call], await server.get(`${path}${rest}`), call);
    const [daily] = await server.get(`${path}/workflows?name=daily`, "workflows");
    assert.deepEqual(java.getWorkflowDefinition, daily);
    assert.deepEqual(Buffer.from(java.getProjectArchive, "base64"), scheduled);
  });

  it("reads, disables and enables schedules", async () => {
    const schedule = java.getScheduleOfWorkflow;
    const path = `/api/schedules/${schedule.id}`;
    assert.deepEqual(java.getSchedule, schedule);
    assert.deepEqual(java.getSchedulesOfAllProjects.schedules[0], schedule);
    assert.deepEqual(java.getEnabledSchedule, schedule);
    assert.deepEqual(await server.get(path), schedule);
    const { disabledAt, ...rest } = java.getDisabledSchedule;
    assert.notEqual(disabledAt, null);
    assert.deepEqual({ ...rest, disabledAt: null }, schedule);
    assert.equal(java.disableSchedule.disabledAt, disabledAt);
    assert.equal(java.enableSchedule.disabledAt, null);

    const disable = (await server.call(`${path}/disable`, { method: "POST" })).json;
    const enable = (await server.call(`${path}/enable`, { method: "POST" })).json;
    const times = ({ updatedAt, disabledAt, ...summary }: Record<string, unknown>) => ({
      ...summary,
      updated: typeof updatedAt,
      disabled: typeof disabledAt,
    });
    assert.deepEqual(times(java.disableSchedule), times(disable));
    assert.deepEqual(times(java.enableSchedule), times(enable));
  });

  describe("throws for", () => {
    it("a push that is refused", async () => {
      const { body: brokenBody, ...brokenPush } = java.putBrokenProjectRevision;
      assert.deepEqual(brokenPush, { exception: "javax.ws.rs.BadRequestException", status: 400 });
      assert.equal(brokenBody.status, 400);
      refusal(await project.put("r3", broken), 400);

      const again = await project.put("r1", scheduled);
      assert.deepEqual(java.putSameProjectRevision, {
        exception: "javax.ws.rs.ClientErrorException",
        status: 409,
        body: again.json,
      });
    });

    it("an id that nothing has", async () => {
      const exception = "javax.ws.rs.NotFoundException";
      const answer = await server.call(`/api/schedules/${NO_ID}/disable`, { method: "POST" });
      assert.deepEqual(java.disableUnknownSchedule, { exception, status: 404, body: answer.json });
      // Of a GET it closes the answer before it throws.
      assert.deepEqual(java.getProjectOfUnknownId, { exception, status: 404, body: null });
    });

    it("a name that nothing has, by itself", () => {
      for (const call of ["getProjectOfUnknownName", "getWorkflowDefinitionOfUnknownName"])
        assert.deepEqual(
          java[call],
          { exception: "javax.ws.rs.NotFoundException", status: 404, body: null },
          call,
        );
    });

    it("missing credentials", () => {
      assert.deepEqual(
        java.getProjectsWithoutCredentials,
        server.asksForCredentials
          ? { exception: "javax.ws.rs.NotAuthorizedException", status: 401, body: null }
          : { exception: null },
      );
    });
  });
});
