import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Digdag } from "../../../local/digdag";
import { ask, Cleaner, DAILY, deploy, MANUAL, push, puts, read, schedules, served } from "./support";

const HOURLY = "schedule:\n  hourly>: 15:00\n+x:\n  echo>: x\n";

describe("a push", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag({ now: () => new Date("2026-11-30T03:00:00Z") });
  });
  afterEach(() => cleaner.clean());

  it("makes Digdag serve the project and reports what is served", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY, "manual.dig": MANUAL, "a.sql": "SELECT 1;\n" });
    const { exitCode, json, stderr } = await deploy(digdag.url, directory, "abc123");
    assert.equal(exitCode, 0, stderr);
    const project = await served(digdag);
    assert.equal(project.revision, "abc123");
    const { seconds, plan, ...rest } = json;
    assert.ok(seconds >= 0 && seconds < 20);
    assert.deepEqual(plan.schedules, { added: ["daily"], changed: [], kept: [], removed: [] });
    assert.deepEqual(rest, {
      verdict: "pushed",
      project: "demo",
      projectId: project.id,
      revision: "abc123",
      previousRevision: null,
      archiveMd5: project.archiveMd5,
      workflows: ["daily", "manual"],
      schedules: [
        {
          workflow: "daily",
          id: rest.schedules[0].id,
          nextRunTime: "2026-11-30T22:00:00Z",
          nextScheduleTime: "2026-12-01T00:00:00+09:00",
          timezone: "Asia/Tokyo",
          disabledAt: null,
        },
      ],
      warnings: [],
      notes: [],
    });
  });

  it("sends the exact headers Digdag asks for, once", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY });
    await deploy(digdag.url, directory, "r 1".replace(" ", "+"));
    const [put, ...more] = puts(digdag);
    assert.equal(more.length, 0);
    assert.equal(put?.path, "/api/projects?project=demo&revision=r%2B1");
    assert.equal(put?.headers["content-type"], "application/gzip");
    assert.match(put?.headers["content-length"] ?? "", /^\d+$/);
    assert.equal(put?.headers["transfer-encoding"], undefined);
    assert.match(put?.headers["user-agent"] ?? "", /^digdag-push\/\d/);
    const archive = await fetch(`${digdag.url}/api/projects/${(await served(digdag)).id}/archive`);
    const md5 = createHash("md5")
      .update(Buffer.from(await archive.arrayBuffer()))
      .digest("base64");
    assert.equal(md5, (await served(digdag)).archiveMd5);
  });

  it("sends nothing when Digdag serves these bytes, and says so", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY });
    const output = join(cleaner.folder(), "output");
    await deploy(digdag.url, directory, "r1");
    const { exitCode, json } = await deploy(digdag.url, directory, "r2", { env: { GITHUB_OUTPUT: output } });
    assert.equal(exitCode, 0);
    assert.deepEqual([json.verdict, json.revision, json.previousRevision], ["unchanged", "r1", "r1"]);
    assert.equal(json.schedules.length, 1);
    assert.equal(puts(digdag).length, 1);
    assert.match(read(output), /^changed=false$/m);
    assert.match(read(output), /^revision=r1$/m);
    const human = await push(["--project", "demo", "--directory", directory], {
      DIGDAG_ENDPOINT: digdag.url,
      GITHUB_SHA: "r2",
    });
    assert.match(human.stdout, /unchanged: Digdag already serves these bytes as revision r1/);
  });

  it("succeeds again when the job is run again", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY });
    for (let run = 0; run < 2; run++) assert.equal((await deploy(digdag.url, directory, "r1")).exitCode, 0);
    assert.equal(puts(digdag).length, 1);
  });

  it("succeeds when another run pushes the same commit at the same time", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY });
    const runs = await Promise.all([1, 2, 3, 4].map(() => deploy(digdag.url, directory, "r1")));
    for (const { exitCode, stderr } of runs) assert.equal(exitCode, 0, stderr);
    assert.equal(
      (await ask(digdag, `/api/projects/${(await served(digdag)).id}/revisions`)).revisions.length,
      1,
    );
  });

  it("fails with code 1 when the revision's name is taken by other content", async () => {
    await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY }), "r1");
    const { exitCode, stderr } = await deploy(
      digdag.url,
      cleaner.project({ "daily.dig": `${DAILY}# changed\n` }),
      "r1",
    );
    assert.equal(exitCode, 1);
    assert.match(stderr, /revision r1 of demo exists in Digdag with other content/);
  });

  it("ends with code 5 when an old job is run again after a newer one", async () => {
    const old = cleaner.project({ "daily.dig": DAILY });
    await deploy(digdag.url, old, "r1");
    await deploy(digdag.url, cleaner.project({ "daily.dig": `${DAILY}# newer\n` }), "r2");
    const { exitCode, stderr } = await deploy(digdag.url, old, "r1");
    assert.equal(exitCode, 5);
    assert.match(stderr, /another push won: it serves r2/);
    assert.equal((await served(digdag)).revision, "r2");
  });

  it("writes the job summary and the outputs", async () => {
    const folder = cleaner.folder();
    const env = { GITHUB_STEP_SUMMARY: join(folder, "summary"), GITHUB_OUTPUT: join(folder, "output") };
    await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY, "gone.dig": MANUAL }), "r1");
    await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY, "a|b.dig": MANUAL }), "r2", { env });
    const { id } = await served(digdag);
    assert.equal(
      read(env.GITHUB_OUTPUT),
      `revision=r2\nprevious-revision=r1\nproject-id=${id}\nchanged=true\n`,
    );
    const summary = read(env.GITHUB_STEP_SUMMARY);
    assert.match(summary, /\| daily \| daily\\>: 07:00:00 \| 2026-12-01 07:00 Asia\/Tokyo \|/);
    assert.match(summary, /`r2` \(before: `r1`\)/);
    assert.match(summary, /added: a\\\|b; removed: gone/);
  });

  it("writes the failure into the job summary, and no outputs", async () => {
    const folder = cleaner.folder();
    const env = { GITHUB_STEP_SUMMARY: join(folder, "summary"), GITHUB_OUTPUT: join(folder, "output") };
    await deploy(digdag.url, cleaner.folder(), "r1", { env });
    assert.match(
      read(env.GITHUB_STEP_SUMMARY),
      /### digdag-push failed: .*no \\\*\.dig file[\s\S]*Exit code 2/,
    );
    assert.throws(() => read(env.GITHUB_OUTPUT), /ENOENT/);
  });

  it("stays a success when the job summary cannot be written", async () => {
    const env = { GITHUB_STEP_SUMMARY: "/does/not/exist/summary" };
    const { exitCode, stderr } = await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY }), "r1", {
      env,
    });
    assert.equal(exitCode, 0);
    assert.match(stderr, /GITHUB_STEP_SUMMARY cannot be written/);
  });

  it("shows Digdag's own reason when Digdag refuses the project", async () => {
    const directory = cleaner.project({ "main.dig": MANUAL });
    digdag.addFault({
      kind: "status",
      method: "PUT",
      status: 400,
      message: "Unknown scheduler type: nosuch",
    });
    const { exitCode, stderr } = await deploy(digdag.url, directory, "r1");
    assert.equal(exitCode, 1);
    assert.match(stderr, /Digdag refused revision r1 of demo.*answers 400.*Unknown scheduler type: nosuch/);
  });

  it("verifies a project with more schedules than one page of the server", async () => {
    const files = Object.fromEntries(Array.from({ length: 110 }, (_, index) => [`w${index}.dig`, HOURLY]));
    const { exitCode, json, stderr } = await deploy(digdag.url, cleaner.project(files), "r1", {
      limits: { read: 5_000, push: 5_000 },
    });
    assert.equal(exitCode, 0, stderr);
    assert.equal(json.schedules.length, 110);
  });
});

describe("the brake", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
    await deploy(
      digdag.url,
      cleaner.project({ "daily.dig": DAILY, "hourly.dig": HOURLY, "manual.dig": MANUAL }),
      "r1",
    );
  });
  afterEach(() => cleaner.clean());

  it("refuses to take schedules away, whether the file or only its schedule is gone", async () => {
    const directory = cleaner.project({ "hourly.dig": MANUAL });
    const { exitCode, stderr } = await deploy(digdag.url, directory, "r2");
    assert.equal(exitCode, 4);
    assert.match(
      stderr,
      /stop 2 schedules: daily \(its workflow file is gone\), hourly \(its file has no schedule any more\)/,
    );
    assert.match(stderr, /--allow-remove daily --allow-remove hourly/);
    assert.equal((await served(digdag)).revision, "r1");
    assert.equal(puts(digdag).length, 1);
  });

  it("lets go those that are named, and only those", async () => {
    const directory = cleaner.project({ "manual.dig": MANUAL });
    const one = await deploy(digdag.url, directory, "r2", { argv: ["--allow-remove", "daily"] });
    assert.equal(one.exitCode, 4);
    assert.match(one.stderr, /stop 1 schedule: hourly/);
    const both = await deploy(digdag.url, directory, "r2", {
      argv: ["--allow-remove", "daily", "--allow-remove", "hourly"],
    });
    assert.equal(both.exitCode, 0, both.stderr);
    assert.deepEqual(both.json.plan.schedules.removed, ["daily", "hourly"]);
    assert.deepEqual(await schedules(digdag), []);
  });

  it("lets a workflow without a schedule go", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY, "hourly.dig": HOURLY });
    assert.equal((await deploy(digdag.url, directory, "r2")).exitCode, 0);
  });
});

describe("a schedule that an operator has disabled", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
    await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY }), "r1");
    const [schedule] = await schedules(digdag);
    await ask(digdag, `/api/schedules/${schedule.id}/disable`, { method: "POST" });
  });
  afterEach(() => cleaner.clean());

  it("stays disabled and is shown as such", async () => {
    const directory = cleaner.project({ "daily.dig": `${DAILY}# more\n` });
    const { stdout } = await push(["--project", "demo", "--directory", directory], {
      DIGDAG_ENDPOINT: digdag.url,
      GITHUB_SHA: "r2",
    });
    assert.match(stdout, /daily {2}daily>: 07:00:00 {2}next run none: disabled/);
    assert.notEqual((await schedules(digdag))[0].disabledAt, null);
  });

  it("is disabled again when it came back enabled, and the report says so", async () => {
    // Between plan and push, another push drops the workflow: Digdag then forgets that it was disabled.
    digdag.addFault({ kind: "delay", milliseconds: 300, method: "PUT" });
    const waiting = deploy(digdag.url, cleaner.project({ "daily.dig": `${DAILY}# more\n` }), "r3");
    const deadline = Date.now() + 5_000;
    while (puts(digdag).length < 2 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const other = await deploy(digdag.url, cleaner.project({ "other.dig": MANUAL }), "r2", {
      argv: ["--allow-remove", "daily"],
    });
    assert.equal(other.exitCode, 0, other.stderr);
    assert.match(other.json.notes[0], /daily was disabled and is gone/);
    const { exitCode, json, stderr } = await waiting;
    assert.equal(exitCode, 0, stderr);
    assert.match(json.notes[0], /daily had been disabled and came back enabled; it is disabled again/);
    assert.notEqual((await schedules(digdag))[0].disabledAt, null);
  });
});

describe("pushes that race", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("each end verified or say that another push won", async () => {
    const digdag = await cleaner.digdag();
    const runs = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((number) =>
        deploy(digdag.url, cleaner.project({ "daily.dig": `${DAILY}# ${number}\n` }), `r${number}`, {
          limits: { read: 10_000, push: 10_000 },
        }),
      ),
    );
    const codes = runs.map(({ exitCode }) => exitCode);
    assert.ok(
      codes.every((code) => code === 0 || code === 5),
      codes.join(),
    );
    const { revision } = await served(digdag);
    const winner = runs.find(({ json }) => json.revision === revision);
    assert.equal(winner?.exitCode, 0, `${revision} is served: ${codes.join()}`);
    for (const { exitCode, stderr } of runs)
      if (exitCode === 5) assert.match(stderr, /another push won: it serves r\d/);
  });

  it("end with code 4 when one takes away a schedule that another brought meanwhile", async () => {
    const digdag = await cleaner.digdag();
    await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY }), "r1");
    digdag.addFault({ kind: "delay", milliseconds: 300, method: "PUT" });
    const waiting = deploy(digdag.url, cleaner.project({ "daily.dig": `${DAILY}# more\n` }), "r3");
    const deadline = Date.now() + 5_000;
    while (puts(digdag).length < 2 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY, "hourly.dig": HOURLY }), "r2");
    const { exitCode, stderr } = await waiting;
    assert.equal(exitCode, 4, stderr);
    assert.match(
      stderr,
      /revision r2 was pushed while this push was on its way, and its schedules are gone: hourly/,
    );
  });
});
