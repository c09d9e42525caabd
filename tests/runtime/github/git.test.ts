import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GitHub, startGitHub } from "../../../local/github/server";
import { directoryOf } from "./support";

describe("GitHub stand-in: Git", () => {
  let github: GitHub;
  let scratch: string[];
  const files = (content: Record<string, string>) => {
    const directory = directoryOf(content);
    scratch.push(directory);
    return directory;
  };
  beforeEach(async () => {
    scratch = [];
    github = await startGitHub();
  });
  afterEach(async () => {
    await github.close();
    for (const directory of scratch) rmSync(directory, { recursive: true, force: true });
  });
  const git = async (...args: string[]) => {
    const { promisify } = await import("node:util");
    const { execFile } = await import("node:child_process");
    return (await promisify(execFile)("git", args)).stdout.trim();
  };

  it("serves `git clone` with and without .git, with every commit", async () => {
    const source = files({ "a.txt": "one" });
    const { sha: first } = await github.addRepository("acme/etl", source);
    writeFileSync(join(source, "a.txt"), "two");
    const { sha: second } = await github.commit("acme/etl", source, "Change a");
    const target = files({});
    for (const name of ["etl", "etl.git"]) {
      await git("clone", "--quiet", `${github.apiUrl}/acme/${name}`, join(target, name));
      assert.equal(await git("-C", join(target, name), "rev-parse", "HEAD"), second);
      assert.equal(readFileSync(join(target, name, "a.txt"), "utf8"), "two");
      assert.equal(await git("-C", join(target, name), "rev-parse", "HEAD^"), first);
      assert.equal(await git("-C", join(target, name), "branch", "--show-current"), "main");
    }
  });

  it("gives the same SHA for the same history anywhere", async () => {
    const source = files({ "a.dig": "+a:\n" });
    const other = await startGitHub();
    try {
      assert.deepEqual(
        await github.addRepository("acme/etl", source),
        await other.addRepository("acme/etl", source),
      );
    } finally {
      await other.close();
    }
  });

  it("makes no commit when nothing changed", async () => {
    const source = files({ "a.txt": "one" });
    assert.deepEqual(await github.commit("acme/etl", source), await github.commit("acme/etl", source));
  });

  it("commits removed files as removed", async () => {
    const source = files({ "a.txt": "one", "b.txt": "two" });
    await github.addRepository("acme/etl", source);
    rmSync(join(source, "b.txt"));
    await github.commit("acme/etl", source);
    const target = files({});
    await git("clone", "--quiet", `${github.apiUrl}/acme/etl`, join(target, "etl"));
    assert.ok(!existsSync(join(target, "etl", "b.txt")));
  });

  it("commits a directory inside another repository, alone and without its .git", async () => {
    const outer = files({ "outer.txt": "x" });
    execFileSync("git", ["init", "--quiet", outer]);
    const inner = join(outer, "inner");
    mkdirSync(inner);
    writeFileSync(join(inner, "a.txt"), "one");
    execFileSync("git", ["init", "--quiet", inner]);
    await github.addRepository("acme/etl", inner);
    const target = files({});
    await git("clone", "--quiet", `${github.apiUrl}/acme/etl`, join(target, "etl"));
    assert.equal(await git("-C", join(target, "etl"), "ls-files"), "a.txt");
  });

  it("keeps its repositories in the state directory", async () => {
    const stateDirectory = files({});
    const before = await startGitHub({ stateDirectory });
    const { sha } = await before.addRepository("acme/etl", files({ "a.txt": "one" }));
    await before.close();
    const after = await startGitHub({ stateDirectory });
    try {
      assert.equal(
        after.queueJob({ repository: "acme/etl", labels: [], steps: [{ name: "a", run: "true" }] }).sha,
        sha,
      );
    } finally {
      await after.close();
    }
  });

  it("answers 404 for an unknown repository and for files outside of one", async () => {
    await github.addRepository("acme/etl", files({ "a.txt": "one" }));
    const status = async (path: string) => (await fetch(github.apiUrl + path)).status;
    assert.equal(await status("/acme/none/info/refs"), 404);
    assert.equal(await status("/acme/etl/info/refs"), 200);
    assert.equal(await status("/acme/etl/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd"), 404);
    assert.equal(await status("/acme/etl/objects"), 404);
  });

  it("refuses names and directories that are none", async () => {
    await assert.rejects(github.commit("etl", files({})), /named owner\/name; "etl" is not/);
    await assert.rejects(github.commit("../etl", files({})), /is not/);
    await assert.rejects(github.commit("acme/etl", "/nonexistent"), /no directory \/nonexistent/);
    await github.addRepository("acme/etl");
    await assert.rejects(github.addRepository("acme/etl"), /exists already/);
  });
});
