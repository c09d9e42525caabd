import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Digdag, type DigdagOptions, startDigdag } from "../../../local/digdag";
import { archive, DAILY, MANUAL } from "../../contract/archive";

/** What it does beyond the contract that tests/contract checks it against. */
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

  it("says which file it refuses and why", async () => {
    for (const [text, reason] of [
      ["+a:\n  echo>: 1\n+a:\n  echo>: 2\n", /a\.dig.*unique/],
      ["a: [1\n", /a\.dig/],
      ["- a\n", /mapping/],
      ["timezone: Asia/Tokio\n+a:\n", /Asia\/Tokio/],
      ["schedule:\n  nosuch>: 1\n", /nosuch/],
      ["_export:\n  a: 1\n!include : 'missing.yml'\n", /missing\.yml/],
    ] as const) {
      assert.match(await message(put("r1", await archive({ "a.dig": text })), 400), reason);
    }
    assert.match(await message(put("r1", await archive({ "1st.dig": MANUAL })), 400), /1st/);
    assert.match(await message(put("r1", gzipSync("not a tar".repeat(100))), 400), /cannot be read/);
    assert.match(await message(put("r1", await archive({}), {}, ""), 400), /project= is required/);
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
