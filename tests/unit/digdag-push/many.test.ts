import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inParallel } from "../../../digdag-push/many";
import type { Digdag } from "../../../local/digdag";
import { ask, Cleaner, DAILY, type Files, MANUAL, push, puts, read, writeFiles } from "./support";

const PROJECTS = `
environments:
  stg:
    branches: [develop, "feature/**"]
    parameters: {schema: staging}
  prd:
    branches: [main, release/*]
    parameters: {schema: production}
parallel: 2
projects:
  one: {directory: flows/one, parametersFile: config/environment.yml}
  two: {directory: flows/two, also: [shared]}
  only-prd: {directory: flows/three, environments: [prd]}
`;
const TREE: Files = {
  "digdag-push.yml": PROJECTS,
  "flows/one/daily.dig": `_export:\n  !include : 'config/environment.yml'\n${DAILY}`,
  "flows/one/config/environment.yml": "schema: my-own-machine\n",
  "flows/two/manual.dig": MANUAL,
  "flows/three/manual.dig": MANUAL,
  "shared/a.txt": "a",
};

describe("several projects in one run", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
  });
  afterEach(() => cleaner.clean());

  const run = async (folder: string, argv: string[], env: Record<string, string> = {}) => {
    const file = join(folder, "digdag-push.yml");
    const outcome = await push([...argv, "--config", file, "--json"], {
      DIGDAG_ENDPOINT: digdag.url,
      GITHUB_SHA: "r1",
      GITHUB_REF_NAME: "main",
      ...env,
    });
    return { ...outcome, json: outcome.json };
  };
  const names = async () =>
    (await ask(digdag, "/api/projects")).projects.map(({ name }: { name: string }) => name).sort();
  const config = async (project: string) => {
    const [{ id }] = (await ask(digdag, `/api/projects?name=${project}`)).projects;
    return (await ask(digdag, `/api/projects/${id}/workflows`)).workflows[0].config;
  };

  it("are deployed for the environment that the branch leads to, with its parameters", async () => {
    const folder = cleaner.project(TREE);
    const output = join(cleaner.folder(), "output");
    const prd = await run(folder, ["apply"], { GITHUB_OUTPUT: output });
    assert.equal(prd.exitCode, 0, prd.stderr);
    assert.deepEqual(await names(), ["one", "only-prd", "two"]);
    assert.deepEqual((await config("one"))._export, { schema: "production" });
    assert.deepEqual(
      prd.json.projects.map((one: { project: string; verdict: string }) => [one.project, one.verdict]),
      [
        ["one", "pushed"],
        ["two", "pushed"],
        ["only-prd", "pushed"],
      ],
    );
    assert.match(read(output), /^changed=true$/m);
    const results = JSON.parse(/^projects=(.*)$/m.exec(read(output))?.[1] ?? "");
    assert.deepEqual(results[0], { project: "one", verdict: "pushed", exitCode: 0, revision: "r1" });

    const stg = await run(folder, ["apply"], { GITHUB_REF_NAME: "feature/a/b", GITHUB_SHA: "r2" });
    assert.deepEqual(
      stg.json.projects.map((one: { project: string }) => one.project),
      ["one", "two"],
    );
    assert.deepEqual((await config("one"))._export, { schema: "staging" });
  });

  it("take the environment of a pull request from the branch it aims at", async () => {
    const { exitCode, json } = await run(cleaner.project(TREE), ["plan"], {
      GITHUB_BASE_REF: "develop",
      GITHUB_REF_NAME: "7/merge",
    });
    assert.equal(exitCode, 0);
    assert.deepEqual(
      json.projects.map((one: { project: string }) => one.project),
      ["one", "two"],
    );
    assert.equal(puts(digdag).length, 0);
  });

  it("are refused when no environment is meant, or one that does not exist", async () => {
    const folder = cleaner.project(TREE);
    const nowhere = await run(folder, ["apply"], { GITHUB_REF_NAME: "topic" });
    assert.equal(nowhere.exitCode, 2);
    assert.match(nowhere.stderr, /the branch "topic" leads to no environment\n.*stg, prd with --environment/);
    const deeper = await run(folder, ["apply"], { GITHUB_REF_NAME: "release/1/hotfix" });
    assert.match(deeper.stderr, /"release\/1\/hotfix" leads to no environment/);
    assert.match((await run(folder, ["apply", "--environment", "dev"])).stderr, /no environment "dev"/);
    assert.equal(
      (await run(folder, ["apply", "--environment", "stg"], { GITHUB_REF_NAME: "topic" })).exitCode,
      0,
    );
  });

  it("are not sent to another Digdag than the runner's own, whatever the file says", async () => {
    const other = await cleaner.digdag();
    const file = (endpoint: string) =>
      PROJECTS.replace("branches: [main,", `endpoint: ${endpoint}\n    branches: [main,`);
    const foreign = await run(cleaner.project({ ...TREE, "digdag-push.yml": file(other.url) }), ["apply"]);
    assert.equal(foreign.exitCode, 2);
    assert.match(foreign.stderr, new RegExp(`endpoint ${other.url}, but .* is ${digdag.url}`));
    assert.equal(other.requests.length + digdag.requests.length, 0);
    const own = cleaner.project({ ...TREE, "digdag-push.yml": file(digdag.url) });
    assert.equal((await run(own, ["plan"])).exitCode, 0);
    assert.equal(
      (await run(own, ["plan"], { DIGDAG_ENDPOINT: "" })).exitCode,
      0,
      "a machine without an endpoint",
    );
  });

  it("fail on their own, and the run with the first of them", async () => {
    const folder = cleaner.project({ ...TREE, "flows/two/manual.dig": "+a:\n  nosuch>: x\n" });
    const summary = join(cleaner.folder(), "summary");
    const env = { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: folder, GITHUB_STEP_SUMMARY: summary };
    const { exitCode, json, stderr } = await run(folder, ["apply"], env);
    assert.equal(exitCode, 2);
    assert.deepEqual(
      json.projects.map((one: { verdict: string }) => one.verdict),
      ["pushed", "failed", "pushed"],
    );
    assert.match(stderr, /^two: digdag-push: the project's files have one error$/m);
    assert.match(stderr, /^::error file=flows\/two\/manual\.dig,line=2,col=3::nosuch>/m);
    assert.match(read(summary), /\| two \| failed \| wrong usage or a project/);
    assert.equal(read(summary).match(/^## /gm)?.length, 1);
    assert.deepEqual(await names(), ["one", "only-prd"]);
  });

  it("may be one of them, and is checked without an environment", async () => {
    const folder = cleaner.project(TREE);
    assert.equal((await run(folder, ["apply", "--project", "two"])).exitCode, 0);
    assert.deepEqual(await names(), ["two"]);
    const unknown = await run(folder, ["apply", "--project", "three"]);
    assert.match(unknown.stderr, /has no project three for prd\n.*one, two, only-prd/);
    const checked = await push(
      ["check", "--official-cli", "never", "--json", "--config", join(folder, "digdag-push.yml")],
      {},
    );
    assert.equal(checked.exitCode, 0, checked.stderr);
    assert.equal(checked.json.projects.length, 2);
  });

  it("are only those that changed since a commit, where that is asked", async () => {
    const folder = cleaner.project(TREE);
    const git = (...argv: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...argv], {
        cwd: folder,
        encoding: "utf8",
      }).trim();
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "--message", "1");
    const first = git("rev-parse", "HEAD");
    const changed = async (since = first) => (await run(folder, ["plan", "--changed-since", since])).json;
    assert.deepEqual((await changed()).skipped, ["one", "two", "only-prd"]);
    writeFiles(folder, { "shared/a.txt": "b", "elsewhere/x": "y" });
    assert.deepEqual((await changed()).skipped, ["one", "only-prd"]);
    writeFiles(folder, { "flows/one/new.sql": "x" });
    assert.deepEqual((await changed()).skipped, ["only-prd"]);
    const unknown = await changed("0".repeat(40));
    assert.deepEqual(unknown.skipped, []);
    assert.match(unknown.notes[0], /not known to git here: every project was taken/);
  });

  it("are worked on at most so many at a time, in order of the report", async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([30, 5, 10, 1, 2], 2, async (milliseconds) => {
      most = Math.max(most, ++running);
      await sleep(milliseconds);
      running--;
      return milliseconds;
    });
    assert.deepEqual(results, [30, 5, 10, 1, 2]);
    assert.equal(most, 2);
  });

  it("are refused with every fault of the file, by line", async () => {
    const wrong = `
enviroments: {}
parallel: 99
projects:
  1st: {directory: ../up}
  two: {operators: one, colour: red}
`;
    const folder = cleaner.project({ "digdag-push.yml": wrong });
    const { exitCode, json } = await run(folder, ["apply"]);
    assert.equal(exitCode, 2);
    const said = json.problems
      .map((one: { line: number; message: string }) => `${one.line} ${one.message}`)
      .join("\n");
    for (const part of [
      /^2 enviroments is no key here: environments is meant\?/m,
      /^3 parallel is 99; whole numbers from 1 to 16/m,
      /^5 the project name \(1st\) starts with a digit/m,
      /^5 directory is "\.\.\/up"; a path inside/m,
      /^6 operators must be a list of names/m,
      /^6 colour is no key here/m,
    ])
      assert.match(said, part);
    assert.equal(
      (await run(cleaner.project({ "digdag-push.yml": "projects: {}\n" }), ["apply"])).exitCode,
      2,
    );
    assert.equal((await run(cleaner.folder(), ["apply"])).exitCode, 2);
  });
});
