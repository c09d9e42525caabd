import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { MANUAL } from "./archive";
import { refusal, server, skip } from "./server";

/** An id that no project and no schedule has. */
const NO_ID = 2_000_000_000;

describe("every answer", () => {
  // Measured on 0.10.5.1.
  it("tells the version, to clients without credentials too", async () => {
    const { status, json } = await server.callWithoutCredentials("/api/version");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), ["version"]);
    assert.match(json.version, /^\d+\.\d+/);
  });

  // Measured on 0.10.5.1; that it needs no credentials was read in Digdag's source.
  it("judges the version of a client, without credentials too", async () => {
    const { version } = await server.get("/api/version");
    const { status, json } = await server.callWithoutCredentials(`/api/version/check?client=${version}`);
    assert.equal(status, 200);
    assert.deepEqual(json, { serverVersion: version, upgradeRecommended: false, apiCompatible: true });
  });

  // Measured on 0.10.5.1: a missing and a wrong password are answered alike.
  it("is 401 without credentials and with wrong ones, everywhere else", async function () {
    if (!server.asksForCredentials) skip(this, "the server asks for no credentials");
    const paths = ["/api/projects", "/api/projects?count=1", "/api/schedules", `/api/projects/${NO_ID}`];
    for (const path of paths) {
      refusal(await server.callWithoutCredentials(path), 401);
      const authorization = `Basic ${Buffer.from("contract:wrong").toString("base64")}`;
      refusal(await server.callWithoutCredentials(path, { headers: { authorization } }), 401);
    }
    const project = server.project();
    const headers = { "content-type": "application/gzip" };
    const query = `project=${project.name}&revision=r1`;
    const body = Buffer.from("never read");
    refusal(
      await server.callWithoutCredentials(`/api/projects?${query}`, { method: "PUT", headers, body }),
      401,
    );
    assert.equal(await project.served(), undefined);
  });

  // Measured on 0.10.5.1.
  it("is zipped for clients that ask for it, and only for them", async () => {
    const path = `/api/projects?name=${server.project().name}`;
    const zipped = await server.call(path, { headers: { "accept-encoding": "gzip, deflate" } });
    assert.equal(zipped.headers["content-encoding"], "gzip");
    assert.deepEqual(JSON.parse(gunzipSync(zipped.body).toString("utf8")), { projects: [] });
    const plain = await server.call(path, { headers: { "accept-encoding": "identity" } });
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.deepEqual(plain.json, { projects: [] });
  });

  // Measured on 0.10.5.1: unlike /api/version it tells whether the database works, so the broker asks both.
  it("is a list of projects to the broker's probe", async () => {
    assert.ok(Array.isArray(await server.get("/api/projects?count=1", "projects")));
  });

  // The list is measured on 0.10.5.1; 404 is what its client was seen to understand, and which calls answer so was read in
  // Digdag's source.
  it("is an empty list for a name that nothing has, and 404 in JSON for an id", async () => {
    const name = server.project().name;
    assert.deepEqual(await server.get(`/api/projects?name=${name}`), { projects: [] });
    for (const path of ["", "/revisions", "/workflows", "/schedules", "/archive"])
      refusal(await server.call(`/api/projects/${NO_ID}${path}`), 404);
    refusal(await server.call(`/api/schedules/${NO_ID}`), 404);
    refusal(await server.call(`/api/schedules/${NO_ID}/disable`, { method: "POST" }), 404);
  });

  // Measured on 0.10.5.1 behind a proxy; a server cannot be asked to fail.
  it("may be lost after the push was stored", async function () {
    if (!server.standIn) skip(this, "only the stand-in loses an answer to order");
    const project = server.project();
    server.standIn.addFault({ kind: "status", status: 502, method: "PUT", commit: true });
    assert.equal((await project.put("r1", { "a.dig": MANUAL })).status, 502);
    assert.equal((await project.served()).revision, "r1");
  });

  // Measured on 0.10.5.1: what Digdag did not expect is answered by its servlet container.
  it("may be a page with a stack trace", async function () {
    if (!server.standIn) skip(this, "only the stand-in fails in an unexpected way to order");
    server.standIn.addFault({ kind: "html" });
    const { status, headers, body } = await server.call("/api/projects");
    assert.equal(status, 500);
    assert.match(String(headers["content-type"]), /^text\/html/);
    assert.match(body.toString("utf8"), /\bat io\.digdag\./);
  });
});
