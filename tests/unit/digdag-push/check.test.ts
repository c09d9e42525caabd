import assert from "node:assert/strict";
import { chmodSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { Cleaner, DAILY, type Files, MANUAL, type Outcome, push, writeFiles } from "./support";

const ROOT = resolve(__dirname, "../../..");

interface Found {
  file?: string;
  line?: number;
  message: string;
  warning?: boolean;
}

describe("check", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  const check = (
    directory: string,
    argv: string[] = [],
    env: Record<string, string> = {},
  ): Promise<Outcome> =>
    push(["check", "--directory", directory, "--json", "--official-cli", "never", ...argv], env);
  const find = async (files: Files, argv: string[] = []) => {
    const { json, exitCode } = await check(cleaner.project({ "main.dig": MANUAL, ...files }), argv);
    const found: Found[] = json.problems ?? json.warnings;
    return {
      exitCode,
      found,
      said: found.map(({ file, line, message }) => `${file}:${line ?? ""} ${message}`).join("\n"),
    };
  };
  /** The one problem, an error, and where it is. */
  const refused = async (files: Files, message: RegExp) => {
    const { exitCode, found, said } = await find(files);
    assert.equal(exitCode, 2, said);
    assert.equal(found.length, 1, said);
    assert.notEqual(found[0]?.warning, true);
    assert.match(said, message);
  };
  const warned = async (files: Files, message: RegExp) => {
    const { exitCode, found, said } = await find(files);
    assert.equal(exitCode, 0, said);
    assert.equal(found.length, 1, said);
    assert.equal(found[0]?.warning, true);
    assert.match(said, message);
    assert.equal((await find(files, ["--strict"])).exitCode, 2);
  };

  it("needs no server, and tells what would be uploaded and when schedules run first", async () => {
    const { exitCode, json } = await check(cleaner.project({ "daily.dig": DAILY, "a.sql": "x" }));
    assert.equal(exitCode, 0);
    assert.deepEqual(json.files, ["a.sql", "daily.dig"]);
    assert.equal(json.limitBytes, 2097152);
    assert.equal(json.schedules[0].rule, "daily>: 07:00:00");
    assert.match(json.schedules[0].firstRunTime, /T22:00:00Z$/);
  });

  it("finds nothing in the example project", async () => {
    const { json, exitCode, stderr } = await check(join(ROOT, "examples/hello-digdag"));
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(json.warnings, []);
  });

  it("refuses an impossible time, on its line", async () => {
    await refused({ "a.dig": "schedule:\n  daily>: 25:99:00\n+a:\n  echo>: a\n" }, /^a\.dig:2 .*25:99:00/);
  });

  it("refuses an operator that does not exist, wherever it stands", async () => {
    await refused(
      { "a.dig": "+a:\n  nosuch>: x\n" },
      /^a\.dig:2 nosuch> is no operator of Digdag \(.*--operator/,
    );
    await refused({ "a.dig": "+a:\n  ehco>: x\n" }, /^a\.dig:2 .*echo> is meant\?/);
    await refused({ "a.dig": "+a:\n  if>: true\n  _do:\n    +b:\n      nosuch>: x\n" }, /^a\.dig:5 /);
    await refused({ "a.dig": "_error:\n  nosuch>: x\n+a:\n  echo>: a\n" }, /^a\.dig:2 /);
    await refused({ "lib/a.dig": "+a:\n  nosuch>: x\n" }, /^lib\/a\.dig:2 /);
    await refused(
      { "a.dig": "+a:\n  !include : 'tasks/b.yml'\n", "tasks/b.yml": "\nnosuch>: x\n" },
      /^tasks\/b\.yml:2 /,
    );
  });

  it("takes an operator that is named, and warns only where plugins are loaded", async () => {
    const named = await find({ "a.dig": "+a:\n  nosuch>: x\n" }, ["--operator", "nosuch"]);
    assert.equal(named.exitCode, 0);
    await warned(
      { "a.dig": "_export:\n  plugin:\n    dependencies: [a:b:1]\n+a:\n  nosuch>: x\n" },
      /^a\.dig:5 nosuch>/,
    );
  });

  it("refuses tasks that Digdag cannot run", async () => {
    await refused(
      { "a.dig": "+a:\n  echo>: x\n  +b:\n    echo>: y\n" },
      /^a\.dig:3 is a task inside a task with echo>/,
    );
    await refused({ "a.dig": "+a:\n  echo>: x\n  sh>: y\n" }, /^a\.dig:3 is a second operator/);
    await refused(
      { "a.dig": "+a:\n  sh: make\n" },
      /^a\.dig:2 sh is no key of a task without an operator: sh> is meant\?/,
    );
    await refused({ "a.dig": "+a:\n  +b:\n    colour: red\n" }, /^a\.dig:3 colour .*> missing\?/);
    await warned(
      { "a.dig": "+a:\n  _paralel: true\n  +b:\n    echo>: b\n" },
      /^a\.dig:2 .*_parallel is meant\?/,
    );
    const fine =
      "+a:\n  _type: echo\n  _command: x\n+b:\n  _disable: true\n  nosuch>: x\n+c:\n  _retry: 1\n  +d:\n    echo>: d\n";
    assert.deepEqual((await find({ "a.dig": fine })).found, []);
  });

  it("refuses includes that are missing, lie above or go round", async () => {
    await refused(
      { "a.dig": "+a:\n  echo>: a\n_export:\n  !include : 'no.yml'\n" },
      /^a\.dig:4 includes no\.yml, which is not part/,
    );
    await refused(
      { "a.dig": "_export:\n  !include : '../no.yml'\n+a:\n  echo>: a\n" },
      /^a\.dig:2 .*above this file/,
    );
    await refused(
      { "a.dig": "!include : 'b.yml'\n", "b.yml": "+b:\n  !include : 'b.yml'\n" },
      /^b\.yml:2 .*includes this file/,
    );
    await refused(
      {
        "a.dig": "!include : 'b.yml'\n",
        "b.yml": "!include : 'c.yml'\n",
        "c.yml": "+c:\n!include : 'b.yml'\n",
      },
      /^c\.yml:2 includes b\.yml, which includes this file/,
    );
    await refused(
      { "a.dig": "_export:\n  x: !include b.yml\n", "b.yml": "c: 1\n" },
      /^a\.dig:2 !include is a key of its own/,
    );
  });

  it("names the place inside an included file, once though many include it", async () => {
    const include = "_export:\n  !include : 'config/c.yml'\n+a:\n  echo>: a\n";
    await refused(
      { "a.dig": include, "b.dig": include, "config/c.yml": "x: 1\nx: 2\n" },
      /^config\/c\.yml:2 the key x appears twice/,
    );
  });

  it("is not led astray by aliases that multiply", async () => {
    const levels = Array.from({ length: 20 }, (_, n) => `x${n + 1}: &x${n + 1} [*x${n}, *x${n}, *x${n}]`);
    const { exitCode, said } = await find({
      "a.dig": `_export:\n  x0: &x0 [1]\n  ${levels.join("\n  ")}\n+a:\n  echo>: a\n`,
    });
    assert.equal(exitCode, 2);
    assert.match(said, /grows beyond all bounds/);
  });

  it("warns of files and workflows that an operator names and the project lacks", async () => {
    await warned(
      { "a.dig": "+a:\n  td>: queries/no.sql\n" },
      /^a\.dig:2 td> names queries\/no\.sql, which is not part of the upload/,
    );
    await warned({ "a.dig": "+a:\n  sh>: scripts/no.sh a b\n" }, /sh> names scripts\/no\.sh/);
    await warned({ "a.dig": "+a:\n  call>: no\n" }, /call> names no\.dig/);
    await warned({ "a.dig": "+a:\n  embulk>: no.yml\n" }, /embulk> names no\.yml/);
    await warned(
      { "a.dig": "+a:\n  require>: mian\n" },
      /the workflow mian, which the project does not have; main is meant\?/,
    );
  });

  it("does not warn of what it cannot know", async () => {
    const directory = cleaner.project({
      "main.dig": MANUAL,
      "queries/a.sql": "x",
      "lib/part.dig": "+a:\n  td>: near.sql\n",
      "lib/near.sql": "x",
      "a.dig":
        "+a:\n  td>: queries/a.sql\n+b:\n  td>: linked/a.sql\n+c:\n  td>: $\x7bname}.sql\n+d:\n  td>: SELECT 1\n" +
        "+e:\n  require>: other\n  project_name: elsewhere\n+f:\n  sh>: make all\n+g:\n  call>: lib/part\n",
    });
    symlinkSync("queries", join(directory, "linked"));
    const { json, exitCode } = await check(directory);
    assert.equal(exitCode, 0);
    assert.deepEqual(json.warnings, []);
  });

  it("warns of keys and secrets in the tree, and shows none", async () => {
    const github = `ghp_${"a1B2".repeat(9)}`;
    const { exitCode, found, said } = await find({
      "server.pem": "x",
      id_rsa: "x",
      "credentials.json": "{}",
      "prod.env": "A=1",
      "a.sh": `#!/bin/sh\nexport TOKEN=${github}\n`,
      "b.txt": "key: AKIAIOSFODNN7EXAMPLE\n",
      "c.txt": "-----BEGIN RSA PRIVATE KEY-----\nabc\n",
      "d.sql": "-- postgres://user:hunter22@db.example.com/x\n",
      "fine.sql": "-- postgres://$\x7buser}:$\x7bpassword}@db/x, https://example.com/a:b@c\n",
      ".env": "SECRET=not-uploaded",
    });
    assert.equal(exitCode, 0);
    assert.deepEqual(found.map(({ file, line }) => `${file}:${line ?? ""}`).sort(), [
      "a.sh:2",
      "b.txt:1",
      "c.txt:1",
      "credentials.json:",
      "d.sql:1",
      "id_rsa:",
      "prod.env:",
      "server.pem:",
    ]);
    for (const secret of [github, "AKIAIOSFODNN7EXAMPLE", "hunter22"]) assert.ok(!said.includes(secret));
  });

  it("reads two megabytes of anything at once", async function () {
    this.timeout(10_000);
    const size = 1_000_000;
    const nasty = ["a+", "a://b:ccc", "-----BEGIN A ", "AKIA", "x:y@"].map((text) =>
      text.repeat(size / 10 / text.length),
    );
    const keys = Array.from({ length: 20_000 }, (_, index) => `  k${index}: 1`).join("\n");
    const { exitCode } = await find({
      "nasty.txt": nasty.join("\n"),
      "a.dig": `_export:\n${keys}\n+a:\n  echo>: a\n`,
    });
    assert.equal(exitCode, 0);
  });

  it("warns of names that differ by case or accents only, and of scripts with Windows line ends", async () => {
    await warned({ "A.sql": "1", "a.sql": "2" }, /"A\.sql" have the same name but for case/);
    await warned(
      { "caf\u00e9.sql": "1", "cafe\u0301.sql": "2" },
      /have the same name but for case or accents/,
    );
    await warned({ "run.sh": "#!/bin/sh\r\necho\r\n" }, /^run\.sh:1 .*Windows line ends/);
  });

  it("takes Windows line ends in a workflow for what they are", async () => {
    const { exitCode } = await find({ "a.dig": DAILY.replaceAll("\n", "\r\n") });
    assert.equal(exitCode, 0);
  });

  it("warns of a timezone that schedules do not follow, and of a key that Digdag refuses", async () => {
    await warned(
      { "a.dig": "timezone: UTC+9\n+a:\n  echo>: a\n" },
      /^a\.dig:1 timezone UTC\+9 counts as UTC.*GMT\+9/,
    );
    await warned(
      { "a.dig": "+a:\n  echo>: a\nshedule:\n  daily>: 07:00:00\n" },
      /^a\.dig:3 Digdag refuses the key shedule/,
    );
  });

  it("marks warnings as such for GitHub, also where all else is well", async () => {
    const directory = cleaner.project({ "flows/main.dig": "+a:\n  td>: no.sql\n" });
    const env = { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: directory };
    const { stderr, exitCode } = await check(join(directory, "flows"), [], env);
    assert.equal(exitCode, 0);
    assert.match(stderr, /^::warning file=flows\/main\.dig,line=2,col=3::td> names no\.sql/m);
    assert.doesNotMatch(stderr, /::error/);
  });

  describe("with the official client", () => {
    const withClient = async (script: string, argv: string[] = []) => {
      const folder = cleaner.folder();
      writeFiles(folder, { digdag: `#!/bin/sh\n${script}\n` });
      chmodSync(join(folder, "digdag"), 0o755);
      const path = process.env.PATH;
      process.env.PATH = `${folder}:/usr/bin:/bin`;
      try {
        return await push(
          ["check", "--json", "--directory", cleaner.project({ "main.dig": MANUAL }), ...argv],
          {},
        );
      } finally {
        process.env.PATH = path;
      }
    };

    it("is content when the client is", async () => {
      const { exitCode, json } = await withClient('[ "$1" = check ] && [ "$2" = --project ]');
      assert.equal(exitCode, 0);
      assert.match(json.notes[0], /official client finds no fault/);
    });

    it("shows the place that the client names", async () => {
      const { exitCode, json } = await withClient(
        'echo "error: Validating project failed" >&2; echo "workflow /tmp/digdag-tempdir1/main.dig: in \'reader\', line 3, column 1" >&2; exit 1',
      );
      assert.equal(exitCode, 2);
      assert.deepEqual([json.problems[0].file, json.problems[0].line], ["main.dig", 3]);
    });

    it("goes without a client that does not work, unless it is asked for", async () => {
      const broken = "echo 'Error: Invalid or corrupt jarfile /opt/digdag/digdag.jar'; exit 1";
      const { exitCode, json } = await withClient(broken);
      assert.equal(exitCode, 0);
      assert.match(json.notes[0], /could not be used: .*corrupt jarfile/);
      assert.equal((await withClient(broken, ["--official-cli", "always"])).exitCode, 2);
    });
  });
});
