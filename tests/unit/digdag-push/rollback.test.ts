import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buildArchive } from "../../../digdag-push/archive";
import { objectStore } from "../../../digdag-push/digdagApi";
import type { Digdag } from "../../../local/digdag";
import {
  ask,
  Cleaner,
  DAILY,
  deploy,
  type Files,
  MANUAL,
  push,
  puts,
  read,
  schedules,
  served,
} from "./support";

describe("rollback", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
  });
  afterEach(() => cleaner.clean());

  const serve = async (revision: string, files: Files, argv: string[] = []) => {
    const { exitCode, stderr } = await deploy(digdag.url, cleaner.project(files), revision, { argv });
    assert.equal(exitCode, 0, stderr);
  };
  const rollback = async (argv: string[] = [], env: Record<string, string> = {}) => {
    const outcome = await push(["rollback", "--project", "demo", "--json", ...argv], {
      DIGDAG_ENDPOINT: digdag.url,
      GITHUB_RUN_ID: "77",
      GITHUB_RUN_ATTEMPT: "2",
      ...env,
    });
    return { ...outcome, json: outcome.json };
  };
  const archive = async (revision: string) => {
    const { id } = await served(digdag);
    const response = await fetch(`${digdag.url}/api/projects/${id}/archive?revision=${revision}`);
    return Buffer.from(await response.arrayBuffer());
  };

  it("serves the former bytes again, under a new name, verified", async () => {
    await serve("r1", { "daily.dig": DAILY, "a.sql": "1" });
    await serve("r2", { "daily.dig": DAILY, "a.sql": "2" });
    const output = join(cleaner.folder(), "output");
    const { exitCode, json, stderr } = await rollback([], { GITHUB_OUTPUT: output });
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(
      [json.verdict, json.revision, json.previousRevision, json.restored],
      ["restored", "r1-rollback-77-2", "r2", "r1"],
    );
    assert.ok((await archive("r1-rollback-77-2")).equals(await archive("r1")), "byte by byte");
    assert.equal((await served(digdag)).archiveMd5, json.archiveMd5);
    assert.equal(
      read(output),
      "revision=r1-rollback-77-2\nprevious-revision=r2\nproject-id=1\nchanged=true\n",
    );
  });

  it("goes to the revision that is named, under the name that is given", async () => {
    await serve("r1", { "daily.dig": DAILY });
    await serve("r2", { "daily.dig": `${DAILY}# 2\n` });
    await serve("r3", { "daily.dig": `${DAILY}# 3\n` });
    assert.equal((await rollback(["--to", "r1", "--revision", "back"])).json.revision, "back");
    assert.ok((await archive("back")).equals(await archive("r1")));
  });

  it("has nothing to do when these bytes are served, also when the job is run again", async () => {
    await serve("r1", { "daily.dig": DAILY });
    await serve("r2", { "daily.dig": `${DAILY}# 2\n` });
    await rollback(["--to", "r1"]);
    const before = puts(digdag).length;
    const { exitCode, json } = await rollback(["--to", "r1"], { GITHUB_RUN_ATTEMPT: "3" });
    assert.deepEqual([exitCode, json.verdict, json.revision], [0, "unchanged", "r1-rollback-77-2"]);
    assert.equal(puts(digdag).length, before);
  });

  it("wants to be told where to go after a rollback, and names what there is", async () => {
    await serve("r1", { "daily.dig": DAILY });
    await serve("r2", { "daily.dig": `${DAILY}# 2\n` });
    await rollback();
    const { exitCode, stderr } = await rollback();
    assert.equal(exitCode, 2);
    assert.match(stderr, /rolled back already.*\n.*--to.*r1-rollback-77-2, r2, r1\./);
    const forth = await rollback(["--to", "r2"], { GITHUB_RUN_ATTEMPT: "4" });
    assert.equal(forth.json.revision, "r2-rollback-77-4");
    const named = await rollback(["--to", "r1-rollback-77-2"], { GITHUB_RUN_ATTEMPT: "5" });
    assert.equal(named.json.revision, "r1-rollback-77-5");
  });

  it("refuses an unknown project, an unknown revision, and a project without a former one", async () => {
    assert.match((await rollback()).stderr, /Digdag has no project demo/);
    await serve("r1", { "daily.dig": DAILY });
    const unknown = await rollback(["--to", "r9"]);
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.stderr, /knows no revision r9 of demo\n.*newest first: r1\./);
    assert.match((await rollback()).stderr, /no revision of demo with other bytes/);
  });

  it("keeps the brake, and disabled schedules disabled", async () => {
    await serve("r1", { "daily.dig": DAILY });
    await serve("r2", { "daily.dig": DAILY, "new.dig": "schedule:\n  hourly>: 15:00\n+x:\n  echo>: x\n" });
    const [daily] = (await schedules(digdag)).filter(
      (one: { workflow: { name: string } }) => one.workflow.name === "daily",
    );
    await ask(digdag, `/api/schedules/${daily.id}/disable`, { method: "POST" });
    const stopped = await rollback();
    assert.equal(stopped.exitCode, 4);
    assert.match(stopped.stderr, /--allow-remove new/);
    const { exitCode, json } = await rollback(["--allow-remove", "new"]);
    assert.equal(exitCode, 0);
    assert.notEqual(json.schedules[0].disabledAt, null);
  });

  it("brings back a schedule that this program would refuse today", async () => {
    await serve("r1", { "main.dig": MANUAL });
    const put = await fetch(`${digdag.url}/api/projects?project=demo&revision=odd`, {
      method: "PUT",
      headers: { "content-type": "application/gzip" },
      body: await oddArchive(),
    });
    assert.equal(put.status, 200);
    await serve("r2", { "main.dig": `${MANUAL}# 2\n` }, ["--allow-remove", "odd"]);
    const { exitCode, json, stderr } = await rollback(["--to", "odd"]);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(json.workflows, ["odd"]);
    assert.deepEqual(json.plan.schedules.added, ["odd"]);
    assert.equal(json.schedules.length, 1);
  });

  it("changes nothing when the stored bytes are damaged", async () => {
    await serve("r1", { "daily.dig": DAILY });
    await serve("r2", { "daily.dig": `${DAILY}# 2\n` });
    const store = createServer((_, response) => response.end("other bytes"));
    await new Promise<void>((resolve) => store.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => store.close());
    const location = `http://127.0.0.1:${(store.address() as AddressInfo).port}/bucket/key?signature=abc`;
    digdag.addFault({ kind: "status", status: 303, path: "/api/projects/1/archive", headers: { location } });
    const { exitCode, stderr } = await rollback();
    assert.equal(exitCode, 1);
    assert.match(stderr, /stored archive of revision r1 is damaged/);
    assert.equal((await served(digdag)).revision, "r2");
  });

  it("follows Digdag to its object store, and takes no credential there", async () => {
    const secured = await cleaner.digdag({ auth: { user: "ci", password: "hunter22" } });
    const env = { DIGDAG_ENDPOINT: secured.url, DIGDAG_USER: "ci", DIGDAG_PASSWORD: "hunter22" };
    for (const [revision, text] of [
      ["r1", "1"],
      ["r2", "2"],
    ] as const) {
      const directory = cleaner.project({ "daily.dig": `${DAILY}# ${text}\n` });
      await push(["--project", "demo", "--directory", directory], { ...env, GITHUB_SHA: revision });
    }
    const authorization = `Basic ${Buffer.from("ci:hunter22").toString("base64")}`;
    const stored = await fetch(`${secured.url}/api/projects/1/archive?revision=r1`, {
      headers: { authorization },
    });
    const bytes = Buffer.from(await stored.arrayBuffer());
    const seen: (string | undefined)[] = [];
    const store = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(bytes);
    });
    await new Promise<void>((resolve) => store.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => store.close());
    const location = `http://127.0.0.1:${(store.address() as AddressInfo).port}/bucket/key?signature=abc`;
    secured.addFault({ kind: "status", status: 303, path: "/api/projects/1/archive", headers: { location } });
    const { exitCode, json, stderr } = await rollback([], env);
    assert.equal(exitCode, 0, stderr);
    assert.equal(json.restored, "r1");
    assert.deepEqual(seen, [undefined]);
    const asked = secured.requests.find(({ path }) => path.includes("/archive?revision=r1&"));
    assert.match(asked?.path ?? "", /direct_download=false/);
  });

  it("asks the object store through the proxy that the environment names for it", async () => {
    await serve("r1", { "daily.dig": DAILY });
    const bytes = await archive("r1");
    await serve("r2", { "daily.dig": `${DAILY}# 2\n` });
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end(bytes);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => proxy.close());
    const location = "http://store.example.com/bucket/key?signature=abc";
    digdag.addFault({ kind: "status", status: 303, path: "/api/projects/1/archive", headers: { location } });
    const env = {
      http_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      no_proxy: "127.0.0.1",
    };
    const { exitCode, stderr } = await rollback([], env);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(asked, [location]);
  });

  it("shows no signature when the object store refuses", async () => {
    await serve("r1", { "daily.dig": DAILY });
    await serve("r2", { "daily.dig": `${DAILY}# 2\n` });
    const store = createServer((_, response) => response.writeHead(403).end("<Error>signature=abc</Error>"));
    await new Promise<void>((resolve) => store.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => store.close());
    const location = `http://127.0.0.1:${(store.address() as AddressInfo).port}/bucket/key?signature=abc`;
    digdag.addFault({ kind: "status", status: 303, path: "/api/projects/1/archive", headers: { location } });
    const { exitCode, stdout, stderr } = await rollback();
    assert.equal(exitCode, 3);
    assert.match(stderr, /where Digdag keeps its archives, answers 403/);
    assert.doesNotMatch(stdout + stderr, /signature/);
  });

  it("follows to nothing else: never from https to http, nor for other answers", () => {
    const target = (url: string, location: string | undefined, status = 303) =>
      objectStore(new URL(url), { status, headers: { location }, body: Buffer.alloc(0) })?.href;
    const archive = "https://digdag.example.com/api/projects/1/archive?revision=r1";
    assert.equal(target(archive, "https://s3.example.com/k"), "https://s3.example.com/k");
    assert.equal(target(archive, "/elsewhere"), "https://digdag.example.com/elsewhere");
    assert.equal(target(archive, "http://s3.example.com/k"), undefined);
    assert.equal(target(archive, "ftp://s3.example.com/k"), undefined);
    assert.equal(target(archive, undefined), undefined);
    assert.equal(target(archive, "https://s3.example.com/k", 301), undefined);
    assert.equal(target("https://digdag.example.com/api/projects", "https://s3.example.com/k"), undefined);
  });

  /** A project that Digdag takes and this program refuses: its schedule has an impossible time. */
  async function oddArchive(): Promise<Buffer> {
    const content = Buffer.from("schedule:\n  daily>: 25:99:00\n+a:\n  echo>: a\n");
    return (await buildArchive([{ kind: "file", path: "odd.dig", executable: false, content }])).bytes;
  }
});
