import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { archive, DAILY, MANUAL } from "./archive";
import { INSTANT, refusal, server } from "./server";

describe("a project", () => {
  // Measured on 0.10.5.1.
  it("lists its revisions newest first, with the md5 of each", async () => {
    const project = server.project();
    const archives = [await archive({ "a.dig": MANUAL }), await archive({ "b.dig": MANUAL })];
    const { id } = await project.push("r1", archives[0] as Buffer);
    await project.push("r2", archives[1] as Buffer);
    const revisions: Record<string, unknown>[] = await server.get(
      `/api/projects/${id}/revisions`,
      "revisions",
    );
    assert.deepEqual(
      revisions.map(({ revision, archiveMd5 }) => [revision, archiveMd5]),
      [...archives.entries()]
        .map(([index, bytes]) => [`r${index + 1}`, createHash("md5").update(bytes).digest("base64")])
        .reverse(),
    );
    for (const revision of revisions) {
      assert.deepEqual(Object.keys(revision).sort(), [
        "archiveMd5",
        "archiveType",
        "createdAt",
        "revision",
        "userInfo",
      ]);
      assert.match(String(revision.createdAt), INSTANT);
    }
  });

  // Measured on 0.10.5.1.
  it("finds a revision by its name, and answers with an empty list for one that it has not", async () => {
    const project = server.project();
    const { id } = await project.push("r1", { "a.dig": MANUAL });
    await project.push("r2", { "a.dig": MANUAL });
    const found = async (name: string) =>
      (await server.get(`/api/projects/${id}/revisions?name=${name}`, "revisions")).map(
        ({ revision }: { revision: string }) => revision,
      );
    assert.deepEqual(await found("r1"), ["r1"]);
    assert.deepEqual(await found("r9"), []);
  });

  // Measured on 0.10.5.1; 404 for an unknown revision was read in Digdag's source.
  it("gives back the exact bytes of every revision, and of the latest by default", async () => {
    const project = server.project();
    const [one, two] = [await archive({ "a.dig": MANUAL }), await archive({ "b.dig": MANUAL })];
    const { id } = await project.push("r1", one);
    await project.push("r2", two);
    // A server that keeps archives in an object store would otherwise send its clients there.
    const download = async (query: string) => {
      const answer = await server.call(`/api/projects/${id}/archive?direct_download=false${query}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "application/gzip");
      return answer.body;
    };
    assert.deepEqual(await download("&revision=r1"), one);
    assert.deepEqual(await download("&revision=r2"), two);
    assert.deepEqual(await download(""), two);
    refusal(await server.call(`/api/projects/${id}/archive?revision=r9`), 404);
  });

  // Measured on 0.10.5.1; this is how `digdag-push` goes back to a former revision.
  it("serves the bytes of a former revision again under a new name", async () => {
    const project = server.project();
    const first = await project.push("r1", { "a.dig": DAILY });
    await project.push("r2", { "b.dig": MANUAL });
    const { body } = await server.call(`/api/projects/${first.id}/archive?revision=r1&direct_download=false`);
    const again = await project.push("r1-again", body);
    assert.equal(again.archiveMd5, first.archiveMd5);
    const [schedule] = await server.get(`/api/projects/${first.id}/schedules`, "schedules");
    assert.equal(schedule.workflow.name, "a");
  });

  // Measured on 0.10.5.1; `name` and 404 for an unknown revision were read in Digdag's source.
  it("shows the workflows of every revision, and one by its name", async () => {
    const project = server.project();
    const { id } = await project.push("r1", { "a.dig": MANUAL, "b.dig": MANUAL });
    await project.push("r2", { "c.dig": MANUAL });
    const names = async (query: string) =>
      (await server.get(`/api/projects/${id}/workflows${query}`, "workflows"))
        .map(({ name }: { name: string }) => name)
        .sort();
    assert.deepEqual(await names("?revision=r1"), ["a", "b"]);
    assert.deepEqual(await names(""), ["c"]);
    assert.deepEqual(await names("?revision=r1&name=b"), ["b"]);
    assert.deepEqual(await names("?name=b"), []);
    const [workflow] = await server.get(`/api/projects/${id}/workflows`, "workflows");
    assert.equal(typeof workflow.id, "string");
    assert.deepEqual(workflow.project, { id, name: project.name });
    refusal(await server.call(`/api/projects/${id}/workflows?revision=r9`), 404);
  });

  // Measured on 0.10.5.1; what other calls then answer was read in Digdag's source.
  it("that is deleted is gone; pushed again it has a new id, and its revisions' names are free", async () => {
    const project = server.project();
    const bytes = await archive({ "a.dig": DAILY });
    const { id } = await project.push("r1", bytes);
    const deleted = await server.call(`/api/projects/${id}`, { method: "DELETE" });
    assert.equal(deleted.status, 200);
    assert.equal(deleted.json.id, id);
    assert.equal(await project.served(), undefined);
    refusal(await server.call(`/api/projects/${id}`), 404);
    refusal(await server.call(`/api/projects/${id}/schedules`), 404);
    assert.notEqual((await project.push("r1", bytes)).id, id);
  });
});
