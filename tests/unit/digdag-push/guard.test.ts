import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { EXIT_MEANING } from "../../../digdag-push/errors";
import { COMMANDS, type CommandName, flagsOf } from "../../../digdag-push/flags";
import { Cleaner, DAILY, deploy, type Files, MANUAL, push } from "./support";

// Nothing listens there: a guard that lets a project through is found out by exit code 3.
const NOWHERE = "http://127.0.0.1:9";

describe("the guard", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  const refused = async (directory: string) => {
    const outcome = await deploy(NOWHERE, directory, "r1");
    assert.equal(outcome.exitCode, 2, outcome.stderr);
    assert.equal(outcome.json.verdict, "failed");
    return outcome;
  };
  const problemsOf = async (files: Files): Promise<{ file?: string; line?: number; message: string }[]> =>
    (await refused(cleaner.project(files))).json.problems;

  it("refuses an empty directory, a wrong one and one that does not exist", async () => {
    assert.match((await refused(cleaner.folder())).stderr, /no \*\.dig file at its top level/);
    assert.match(
      (await refused(cleaner.project({ "sub/main.dig": MANUAL }))).stderr,
      /remove every workflow and schedule/,
    );
    assert.match((await refused(cleaner.project({ ".hidden.dig": MANUAL }))).stderr, /no \*\.dig file/);
    assert.match((await refused("/does/not/exist")).stderr, /ENOENT.*\n.*--directory DIR/);
  });

  it("refuses a project whose workflows are all excluded", async () => {
    const directory = cleaner.project({ "main.dig": MANUAL, "a.sql": "x", ".digdagignore": "*.dig\n" });
    assert.match((await refused(directory)).stderr, /excludes every workflow/);
  });

  it("refuses links that lead outside, into nothing, or to what is not uploaded", async () => {
    const directory = cleaner.project({ "main.dig": MANUAL, ".env": "x", "sub/a.sql": "x" });
    symlinkSync("/etc/hostname", join(directory, "absolute"));
    symlinkSync("../../..", join(directory, "sub/parent"));
    symlinkSync("missing.sql", join(directory, "broken"));
    symlinkSync(".env", join(directory, "visible"));
    symlinkSync("a.sql", join(directory, "sub/fine.sql"));
    const { problems } = (await refused(directory)).json;
    assert.deepEqual(problems.map(({ file }: { file: string }) => file).sort(), [
      "absolute",
      "broken",
      "sub/parent",
      "visible",
    ]);
  });

  it("refuses a link that leads outside through another link", async () => {
    const outside = cleaner.project({ "secret.sql": "x" });
    const directory = cleaner.project({ "main.dig": MANUAL });
    symlinkSync(outside, join(directory, "door"));
    symlinkSync("door/secret.sql", join(directory, "through"));
    const { problems } = (await refused(directory)).json;
    assert.deepEqual(problems.map(({ file }: { file: string }) => file).sort(), ["door", "through"]);
  });

  it("refuses a workflow that is read through an excluded link from outside", async () => {
    const outside = cleaner.project({ "secret.dig": MANUAL });
    const directory = cleaner.project({ "main.dig": MANUAL, ".digdagignore": "door\n" });
    symlinkSync(outside, join(directory, "door"));
    symlinkSync("door/secret.dig", join(directory, "other.dig"));
    assert.match(
      (await refused(directory)).stderr,
      /other\.dig: is a link to door\/secret\.dig, outside the project/,
    );
  });

  it("refuses what is neither file, folder nor link", async () => {
    const directory = cleaner.project({ "main.dig": MANUAL });
    execFileSync("mkfifo", [join(directory, "pipe")]);
    assert.match((await refused(directory)).stderr, /pipe: is neither a file/);
  });

  it("refuses more than 2 MiB unpacked and names the file that is too much", async () => {
    const problems = await problemsOf({ "main.dig": MANUAL, "zeros.bin": Buffer.alloc(2 * 1024 * 1024) });
    assert.equal(problems[0]?.file, "zeros.bin");
    assert.match(problems[0]?.message ?? "", /2097152.*\.digdagignore/);
  });

  it("names file and line of YAML errors and duplicate keys, all at once", async () => {
    const problems = await problemsOf({
      "twice.dig": "timezone: UTC\n\n+a:\n  echo>: 1\n+b:\n  echo>: 2\n+a:\n  echo>: 3\n",
      "broken.dig": "+a:\n  echo>: [1, 2\n+b:\n  echo>: x\n",
      "nested.dig": "+a:\n  echo>: a\n  echo>: b\n",
      "windows.dig": "+a:\r\n  echo>: a\r\n+a:\r\n  echo>: b\r\n",
    });
    const places = problems.map(({ file, line }) => `${file}:${line}`);
    for (const place of ["twice.dig:7", "nested.dig:3", "windows.dig:3"])
      assert.ok(places.includes(place), `${place} in ${places}`);
    assert.ok(
      places.some((place) => /^broken\.dig:[23]$/.test(place)),
      String(places),
    );
    assert.match(
      problems.find(({ file }) => file === "twice.dig")?.message ?? "",
      /the key \+a appears twice/,
    );
  });

  it("refuses a workflow file without keys, an unknown timezone and a name Digdag refuses", async () => {
    const problems = await problemsOf({
      "empty.dig": "# nothing\n",
      "list.dig": "- a\n",
      "zone.dig": "schedule:\n  daily>: 07:00:00\ntimezone: Asia/Tokio\n+a:\n",
      "1st.dig": MANUAL,
    });
    assert.deepEqual(
      problems.map(({ file, line }) => `${file}:${line}`),
      ["1st.dig:1", "empty.dig:1", "list.dig:1", "zone.dig:3"],
    );
  });

  it("accepts what Digdag accepts: several includes, anchors, merges, offsets as timezone", async () => {
    const directory = cleaner.project({
      "main.dig":
        "timezone: +09:00\n_export:\n  !include : 'config/a.yml'\n  !include : 'config/b.yml'\n" +
        "+a: &a\n  echo>: x\n+b:\n  <<: *a\n  _retry: 3\n",
      "config/a.yml": "x: 1\n",
      "config/b.yml": "y: 2\n",
    });
    assert.equal((await deploy(NOWHERE, directory, "r1", { limits: { retryPause: 1 } })).exitCode, 3);
  });

  it("marks the faulty line in GitHub's way, with the path from the repository's root", async () => {
    const directory = cleaner.project({ "flows/main.dig": "+a:\n  echo>: 1\n+a:\n  echo>: 2\n" });
    const env = { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: directory };
    const { stderr } = await deploy(NOWHERE, join(directory, "flows"), "r1", { env });
    assert.match(stderr, /^::error file=flows\/main\.dig,line=3,col=1::the key \+a appears twice$/m);
    assert.match(stderr, /^::error title=digdag-push::/m);
  });

  it("marks text with a percent sign as it is", async () => {
    const directory = cleaner.project({ "main.dig": "+a%0A:\n  echo>: 1\n+a%0A:\n  echo>: 2\n" });
    const { stderr } = await deploy(NOWHERE, directory, "r1", { env: { GITHUB_ACTIONS: "true" } });
    assert.match(stderr, /^::error file=.*main\.dig,line=3,col=1::the key \+a%250A appears twice$/m);
  });

  it("lets no file name start a workflow command of GitHub's", async () => {
    const directory = cleaner.project({ "main.dig": MANUAL, "x\n::set-output name=a::b": "x" });
    const { stderr } = await deploy(NOWHERE, directory, "r1", { env: { GITHUB_ACTIONS: "true" } });
    assert.match(stderr, /control character/);
    assert.doesNotMatch(stderr, /^::set-output/m);
  });
});

describe("the options", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  const ENV = { DIGDAG_ENDPOINT: NOWHERE, GITHUB_SHA: "abc", DIGDAG_PROJECT: "demo" };
  const refusal = async (argv: string[], env: Record<string, string | undefined>) => {
    const { exitCode, stderr } = await push(argv, env);
    assert.equal(exitCode, 2, stderr);
    return stderr;
  };

  it("are refused without project, endpoint and revision, with all that is missing in one message", async () => {
    const stderr = await refusal([], {});
    for (const name of ["DIGDAG_PROJECT", "DIGDAG_ENDPOINT", "GITHUB_SHA"])
      assert.match(stderr, new RegExp(name));
  });

  it("are refused when a value is invalid", async () => {
    assert.match(await refusal(["--revision", "a b"], ENV), /revision "a b" is invalid/);
    assert.match(await refusal(["--revision", "-x"], ENV), /revision/);
    assert.match(await refusal(["--revision", "a\n::error::x"], ENV), /revision "a ::error::x" is invalid/);
    assert.match(await refusal(["--project", "1st"], ENV), /starts with a digit/);
    assert.match(await refusal(["--endpoint", "digdag.example.com"], ENV), /not a URL such as https/);
    assert.match(await refusal(["--endpoint", "https://digdag.example.com/digdag"], ENV), /has a path/);
    assert.match(await refusal(["--timeout", "0"], ENV), /1 to 3600/);
    assert.match(await refusal(["--timeout", "1h"], ENV), /1 to 3600/);
    assert.match(await refusal(["--no-such-flag"], ENV), /no-such-flag/);
    assert.match(await refusal(["deploy"], ENV), /"deploy" is no command; the commands are apply, plan,/);
    assert.match(await refusal(["plan", "demo"], ENV), /unexpected argument "demo".*--project/);
    assert.match(
      await refusal(["plan", "--to", "r1"], ENV),
      /plan has no option --to[\s\S]*digdag-push plan --help/,
    );
  });

  it("never take a credential from the command line, and never print one", async () => {
    for (const argv of [
      ["--basic-auth", "u:hunter22"],
      ["--basic-auth=u:hunter22"],
      ["-H", "Authorization=hunter22"],
    ]) {
      const stderr = await refusal(argv, ENV);
      assert.match(stderr, /credentials never go on the command line/);
      assert.doesNotMatch(stderr, /hunter22/);
    }
    const inUrl = await refusal(["--endpoint", "https://u:hunter22@digdag.example.com"], ENV);
    assert.match(inUrl, /holds credentials/);
    assert.doesNotMatch(inUrl, /hunter22/);
  });

  it("are refused when credentials are incomplete, doubled or not one line", async () => {
    const file = join(cleaner.project({ header: "Bearer a\nBearer hunter22\n", empty: "" }), "header");
    assert.match(await refusal([], { ...ENV, DIGDAG_USER: "u" }), /must be set together/);
    assert.match(await refusal([], { ...ENV, DIGDAG_PASSWORD: "hunter22" }), /must be set together/);
    assert.match(
      await refusal([], { ...ENV, DIGDAG_AUTHORIZATION_FILE: "/none" }),
      /DIGDAG_AUTHORIZATION_FILE cannot be read/,
    );
    const doubled = { ...ENV, DIGDAG_AUTHORIZATION_FILE: file, DIGDAG_USER: "u", DIGDAG_PASSWORD: "p" };
    assert.match(await refusal([], doubled), /use one of them/);
    const twoLines = await refusal([], { ...ENV, DIGDAG_AUTHORIZATION_FILE: file });
    assert.match(twoLines, /must hold one line/);
    assert.doesNotMatch(twoLines, /hunter22/);
  });

  it("are explained by --help, and those of a command by COMMAND --help", async () => {
    const { exitCode, stdout } = await push(["--help"], {});
    assert.equal(exitCode, 0);
    for (const code of Object.keys(EXIT_MEANING))
      assert.match(stdout, new RegExp(`^ {2}${code} {2}\\S`, "m"));
    for (const command of Object.keys(COMMANDS) as CommandName[]) {
      assert.match(stdout, new RegExp(`^ {2}${command} `, "m"));
      const help = await push([command, "--help"], {});
      assert.equal(help.exitCode, 0);
      for (const flag of flagsOf(command)) assert.match(help.stdout, new RegExp(`--${flag}[ \\n]`));
    }
  });

  it("answer --version with the version of the package", async () => {
    assert.match((await push(["--version"], {})).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it("report a wrong option as JSON too when --json is given", async () => {
    const { json, exitCode } = await push(["--json", "--nonsense"], ENV);
    assert.deepEqual([json.verdict, json.exitCode, exitCode], ["failed", 2, 2]);
  });
});

describe("a schedule that comes from an included file", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("counts as a schedule of the workflow", async () => {
    const digdag = await cleaner.digdag();
    const first = cleaner.project({ "main.dig": DAILY });
    const second = cleaner.project({
      "main.dig": "!include : 'config/when.yml'\n+hello:\n  echo>: hello\n",
      "config/when.yml": "timezone: Asia/Tokyo\nschedule:\n  daily>: 08:00:00\n",
    });
    assert.equal((await deploy(digdag.url, first, "r1")).exitCode, 0);
    const outcome = await deploy(digdag.url, second, "r2");
    assert.equal(outcome.exitCode, 0, outcome.stderr);
    assert.equal(outcome.json.schedules[0].timezone, "Asia/Tokyo");
  });
});
