import assert from "node:assert/strict";
import { chmodSync, cpSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Digdag } from "../../../local/digdag";
import {
  ask,
  Cleaner,
  DAILY,
  deploy,
  type Files,
  MANUAL,
  type Outcome,
  push,
  puts,
  read,
  schedules,
  writeFiles,
} from "./support";

const ROOT = resolve(__dirname, "../../..");
const HOURLY = "schedule:\n  hourly>: 15:00\n+x:\n  echo>: x\n";

describe("plan", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
  });
  afterEach(() => cleaner.clean());

  const plan = (directory: string, argv: string[] = [], env: Record<string, string> = {}): Promise<Outcome> =>
    push(["plan", "--project", "demo", "--directory", directory, ...argv], {
      DIGDAG_ENDPOINT: digdag.url,
      ...env,
    });
  const planJson = async (files: Files, argv: string[] = []) => {
    const outcome = await plan(cleaner.project(files), ["--json", ...argv]);
    return { ...outcome, json: outcome.json };
  };
  const serve = async (files: Files) => {
    const { exitCode, stderr } = await deploy(digdag.url, cleaner.project(files), "r1");
    assert.equal(exitCode, 0, stderr);
  };

  it("shows a new project whole, and sends nothing", async () => {
    const { exitCode, json } = await planJson({ "daily.dig": DAILY, "manual.dig": MANUAL, "a.sql": "x" });
    assert.equal(exitCode, 0);
    assert.deepEqual(
      [json.verdict, json.changed, json.servedRevision, json.projectId],
      ["planned", true, null, null],
    );
    assert.deepEqual(json.workflows.added, ["daily", "manual"]);
    assert.equal(json.schedules.added[0].rule, "daily>: 07:00:00");
    assert.match(json.schedules.added[0].nextRunTime, /T22:00:00Z$/);
    assert.deepEqual(json.fileChanges, {
      added: ["a.sql", "daily.dig", "manual.dig"],
      changed: [],
      removed: [],
    });
    assert.equal(json.limitBytes, 2097152);
    assert.deepEqual(
      digdag.requests.filter(({ method }) => method !== "GET"),
      [],
    );
  });

  it("predicts the run that the server then registers", async () => {
    const files = { "daily.dig": DAILY, "hourly.dig": HOURLY };
    const { json } = await planJson(files);
    await serve(files);
    const registered = (await schedules(digdag)).map(
      (one: { workflow: { name: string }; nextRunTime: string }) => [one.workflow.name, one.nextRunTime],
    );
    assert.deepEqual(
      json.schedules.added.map((one: { workflow: string; nextRunTime: string }) => [
        one.workflow,
        one.nextRunTime,
      ]),
      registered.sort(),
    );
  });

  it("says that there is nothing to do when these bytes are served", async () => {
    await serve({ "daily.dig": DAILY });
    const { exitCode, json } = await planJson({ "daily.dig": DAILY });
    assert.deepEqual([exitCode, json.changed, json.servedRevision], [0, false, "r1"]);
    assert.deepEqual(json.schedules.kept[0].workflow, "daily");
  });

  it("shows what changes as a diff of the definition", async () => {
    await serve({ "daily.dig": DAILY, "gone.dig": MANUAL, "a.sql": "1", "b.sh": "x" });
    const changed = DAILY.replace("07:00:00", "08:30:00").replace(
      "echo>: hello",
      "echo>: goodbye\n  _retry: 2",
    );
    const directory = cleaner.project({ "daily.dig": changed, "new.dig": MANUAL, "a.sql": "2", "b.sh": "x" });
    chmodSync(join(directory, "b.sh"), 0o755);
    const { exitCode, stdout } = await plan(directory);
    assert.equal(exitCode, 0);
    assert.match(stdout, /workflows {2}\(added: new; changed: daily; removed: gone\)/);
    for (const line of [
      "-  daily>: 07:00:00",
      "+  daily>: 08:30:00",
      "-  echo>: hello",
      "+  echo>: goodbye",
      "+  _retry: 2",
    ])
      assert.ok(
        stdout.split("\n").some((one) => one.trim() === line),
        line,
      );
    assert.match(
      stdout,
      /~ daily {2}daily>: 08:30:00 {2}next run \d{4}-\d\d-\d\d 08:30 Asia\/Tokyo; before: daily>: 07:00:00 Asia\/Tokyo/,
    );
    assert.match(
      stdout,
      /files {6}1 added, 3 changed, 1 removed\n {4}\+ new\.dig\n {4}~ a\.sql\n {4}~ b\.sh\n {4}~ daily\.dig\n {4}- gone\.dig/,
    );
  });

  it("takes no order of parameters, no comment and no include for a change, but the order of tasks", async () => {
    const before = "_export:\n  a: 1\n  b: 0.5\n+x:\n  sh>: a\n  _retry: 1\n+y:\n  sh>: b\n";
    await serve({ "main.dig": before });
    const same =
      "# comment\n_export:\n  !include : 'c.yml'\n  a: 1\n+x:\n  _retry: 1\n  sh>: a\n+y: {sh>: b}\n";
    assert.deepEqual((await planJson({ "main.dig": same, "c.yml": "b: 0.5\n" })).json.workflows.kept, [
      "main",
    ]);
    const deep =
      "_export:\n  a: 1\n  !include : 'c.yml'\n  b: 0.5\n+x:\n  sh>: a\n  _retry: 1\n+y:\n  !include : 'y.yml'\n  sh>: b\n";
    const merged = await planJson({ "main.dig": deep, "c.yml": "a: 1\n", "y.yml": "sh>: other\n" });
    assert.deepEqual(merged.json.workflows.kept, ["main"], "what stands below an include wins over it");
    const swapped = "_export:\n  a: 1\n  b: 0.5\n+y:\n  sh>: b\n+x:\n  sh>: a\n  _retry: 1\n";
    assert.equal((await planJson({ "main.dig": swapped })).json.workflows.changed[0].workflow, "main");
  });

  it("merges an included mapping into the one above it, as Digdag does", async () => {
    await serve({ "main.dig": "_export:\n  a: {x: 1, y: 2}\n+t:\n  echo>: t\n" });
    const split = "_export:\n  a: {x: 1, y: 9}\n  !include : 'a.yml'\n+t:\n  echo>: t\n";
    const { json } = await planJson({ "main.dig": split, "a.yml": "a: {y: 2}\n" });
    assert.deepEqual(json.workflows.kept, ["main"]);
  });

  it("understands what the server stored of the example project", async () => {
    const example = join(ROOT, "examples/hello-digdag");
    assert.equal((await deploy(digdag.url, example, "r1")).exitCode, 0);
    const changed = join(cleaner.folder(), "copy");
    cpSync(example, changed, { recursive: true });
    writeFiles(changed, { "queries/new.sql": "SELECT 1;\n" });
    const { json } = await plan(changed, ["--json"]);
    assert.deepEqual(json.fileChanges, { added: ["queries/new.sql"], changed: [], removed: [] });
    assert.equal(json.changed, true);
    assert.deepEqual(json.workflows.changed, []);
  });

  it("ends as apply would: with code 4 for a schedule that would vanish, unless it is named", async () => {
    await serve({ "daily.dig": DAILY, "manual.dig": MANUAL });
    const { exitCode, json, stderr } = await planJson({ "manual.dig": MANUAL });
    assert.equal(exitCode, 4);
    assert.equal(json.refusal.exitCode, 4);
    assert.match(stderr, /would stop 1 schedule: daily/);
    assert.deepEqual(
      json.schedules.removed.map(({ workflow }: { workflow: string }) => workflow),
      ["daily"],
    );
    const named = await planJson({ "manual.dig": MANUAL }, ["--allow-remove", "daily"]);
    assert.deepEqual([named.exitCode, named.json.refusal], [0, null]);
  });

  it("ends with code 2 for files that apply would refuse, and with 3 when Digdag cannot be asked", async () => {
    assert.equal((await planJson({ "main.dig": "+a:\n  nosuch>: x\n" })).exitCode, 2);
    await digdag.close();
    assert.equal((await planJson({ "main.dig": MANUAL })).exitCode, 3);
  });

  it("shows that a schedule is disabled", async () => {
    await serve({ "daily.dig": DAILY });
    await ask(digdag, `/api/schedules/${(await schedules(digdag))[0].id}/disable`, { method: "POST" });
    const { stdout } = await plan(cleaner.project({ "daily.dig": DAILY.replace("07:00:00", "08:00:00") }));
    assert.match(stdout, /~ daily {2}daily>: 08:00:00 {2}disabled; before/);
  });

  it("writes Markdown for a comment and the job summary, in which nothing of the project is markup", async () => {
    await serve({ "daily.dig": DAILY });
    const folder = cleaner.folder();
    const nasty = `${DAILY}# x\n+nasty:\n  echo>: "</details> \`\`\`\` <b>bold</b>"\n`;
    const argv = ["--markdown", join(folder, "comment.md")];
    const directory = cleaner.project({ "daily.dig": nasty, "a|<b>.dig": MANUAL });
    const { exitCode } = await plan(directory, argv, {
      GITHUB_STEP_SUMMARY: join(folder, "summary"),
      GITHUB_OUTPUT: join(folder, "output"),
    });
    assert.equal(exitCode, 0);
    const comment = read(join(folder, "comment.md"));
    assert.equal(read(join(folder, "summary")), comment);
    assert.match(comment, /^### demo at .*: plan of a push, instead of revision r1/);
    assert.match(comment, /added: a\\\|\\<b\\>; changed: daily/);
    const fences = comment.split("\n").filter((line) => line.startsWith("````"));
    assert.equal(fences.length % 2, 0);
    assert.equal(comment.split("````").length - 1, fences.length, "no fence inside a line");
    assert.match(read(join(folder, "output")), /^changed=true\nprevious-revision=r1\nproject-id=\d+\n$/);
  });

  it("says so when the served files cannot be compared, and plans the rest", async () => {
    await serve({ "daily.dig": DAILY });
    digdag.addFault({ kind: "html", method: "GET", path: `/api/projects/1/archive` });
    const { exitCode, json } = await planJson({ "daily.dig": `${DAILY}# more\n` });
    assert.equal(exitCode, 0);
    assert.equal(json.fileChanges, null);
    assert.match(json.notes[0], /could not be compared: .*500/);
    assert.doesNotMatch(JSON.stringify(json), /io\.digdag|password=/);
    assert.equal(puts(digdag).length, 1);
  });
});
