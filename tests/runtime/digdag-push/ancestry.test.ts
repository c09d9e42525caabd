import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ancestry } from "../../../digdag-push/ancestry";
import { changedSince } from "../../../digdag-push/git";
import type { Digdag } from "../../../local/digdag";
import { Cleaner, DAILY, deploy, push, puts, served, writeFiles } from "../../unit/digdag-push/support";

describe("a push that would go back", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  let repository: string;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
    repository = cleaner.folder();
    git("init", "--quiet", "--initial-branch=main");
  });
  afterEach(() => cleaner.clean());

  const git = (...argv: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...argv], {
      cwd: repository,
      encoding: "utf8",
    }).trim();
  const commit = (text: string) => {
    writeFiles(repository, { "daily.dig": `${DAILY}# ${text}\n` });
    git("add", ".");
    git("commit", "--quiet", "--message", text);
    return git("rev-parse", "HEAD");
  };
  const deployHere = (revision: string, argv: string[] = []) =>
    deploy(digdag.url, repository, revision, { argv });

  it("is refused with code 6, by plan too, and done with --force", async () => {
    const first = commit("1");
    const second = commit("2");
    assert.equal((await deployHere(second)).exitCode, 0);
    git("checkout", "--quiet", first);
    const { exitCode, stderr } = await deployHere(first);
    assert.equal(exitCode, 6);
    assert.match(stderr, new RegExp(`serves commit ${second}, which is not part of ${first}`));
    const plan = await push(["plan", "--project", "demo", "--directory", repository], {
      DIGDAG_ENDPOINT: digdag.url,
      GITHUB_SHA: first,
    });
    assert.equal(plan.exitCode, 6);
    assert.equal(puts(digdag).length, 1);
    assert.equal((await deployHere(first, ["--force"])).exitCode, 0);
    assert.equal((await served(digdag)).revision, first);
  });

  it("is refused when it comes from another branch", async () => {
    commit("1");
    git("checkout", "--quiet", "-b", "other");
    const other = commit("2");
    assert.equal((await deployHere(other)).exitCode, 0);
    git("checkout", "--quiet", "main");
    assert.equal((await deployHere(commit("3"))).exitCode, 6);
    git("merge", "--quiet", "--strategy=ours", "other");
    const merged = commit("4");
    assert.equal((await deployHere(merged)).exitCode, 0);
  });

  it("is not seen in a shallow checkout, and the report says so", async () => {
    const first = commit("1");
    assert.equal((await deployHere(first)).exitCode, 0);
    commit("2");
    const third = commit("3");
    const shallow = join(cleaner.folder(), "clone");
    execFileSync("git", ["clone", "--quiet", "--depth=1", `file://${repository}`, shallow]);
    const { exitCode, json } = await deploy(digdag.url, shallow, third);
    assert.equal(exitCode, 0);
    assert.match(json.notes[0], /not checked: the served commit .* not in this checkout; .*fetch-depth: 0/);
    // Both commits are there, and what lies between them is not.
    execFileSync("git", ["fetch", "--quiet", "--depth=1", "origin", first], { cwd: shallow });
    const found = await ancestry(shallow, first, third);
    assert.deepEqual(
      [found.kind, "why" in found && found.why.includes("only the latest commits")],
      ["unknown", true],
    );
  });

  it("runs nothing that a folder of the checkout names, though it looks like a repository", async () => {
    const first = commit("1");
    const trap = join(repository, "trap");
    execFileSync("git", ["clone", "--quiet", "--bare", repository, trap]);
    const sprung = join(cleaner.folder(), "sprung");
    writeFiles(trap, {
      config: `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ..\n\tfsmonitor = "touch ${sprung};:"\n`,
    });
    await changedSince(trap, first, new Map([["one", ["."]]]));
    await ancestry(trap, first, first.replace(/^./, "0"));
    assert.ok(!existsSync(sprung));
  });

  it("knows the commit in the name of a rollback, and compares nothing but commits", async () => {
    const first = commit("1");
    const second = commit("2");
    assert.deepEqual(await ancestry(repository, `${first}-rollback-1-1`, second), { kind: "forward" });
    assert.deepEqual(await ancestry(repository, `${second}-rollback-1-1`, first), {
      kind: "backward",
      served: second,
    });
    assert.deepEqual(await ancestry(repository, "2026-11-25", second), { kind: "unnamed" });
    assert.deepEqual(await ancestry(repository, first, "v1"), { kind: "unnamed" });
    assert.equal((await ancestry(cleaner.folder(), first, second)).kind, "unknown");
  });
});
