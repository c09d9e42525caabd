import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRunnerTarball, type RunnerTarball } from "../../../local/github/tarball";
import { version } from "./support";

describe("stand-in for the runner tarball", () => {
  let directory: string;
  let nodePath: string;
  let tarball: RunnerTarball;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "github-test-tarball-"));
    // A small program in Node's place: packing the real one takes seconds.
    nodePath = join(directory, "node");
    writeFileSync(nodePath, `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
    tarball = await buildRunnerTarball(directory, { version, nodePath });
    execFileSync("tar", ["xzf", tarball.path, "-C", directory]);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it("has the real one's layout", () => {
    const entries = execFileSync("tar", ["tzf", tarball.path], { encoding: "utf8" }).split("\n");
    for (const name of ["run.sh", "config.sh", "bin/Runner.Listener", "bin/Runner.Worker"])
      assert.ok(entries.includes(name), name);
    for (const node of ["node20", "node24", "node20_alpine", "node24_alpine"])
      assert.ok(entries.includes(`externals/${node}/bin/node`), node);
  });

  it("carries Node once, as node20 and node24", () => {
    const [older, newer] = ["node20", "node24"].map((each) =>
      statSync(join(directory, "externals", each, "bin", "node")),
    );
    assert.equal(older?.ino, newer?.ino);
    assert.equal(newer?.size, statSync(nodePath).size);
    assert.equal((newer?.mode ?? 0) & 0o777, 0o755);
  });

  it("is as old as a release, because the age of a version is read from its listener", () => {
    const { mtime } = statSync(join(directory, "bin", "Runner.Listener"));
    assert.ok(mtime.getUTCFullYear() >= 2026, mtime.toISOString());
  });

  it("says its version and that it is a stand-in", () => {
    const listener = join(directory, "bin", "Runner.Listener");
    assert.equal(execFileSync(listener, ["--version"], { encoding: "utf8" }), `${version}\n`);
    assert.match(readFileSync(join(directory, "bin", "STAND-IN"), "utf8"), /not GitHub's program/);
  });

  it("has the sha256 that was announced, and the same bytes wherever it is built", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "github-test-again-"));
    try {
      const again = await buildRunnerTarball(elsewhere, { version, nodePath });
      assert.equal(createHash("sha256").update(readFileSync(again.path)).digest("hex"), tarball.sha256);
      assert.equal(again.sha256, tarball.sha256);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it("is built again only when something changed", async () => {
    const before = statSync(tarball.path).ino;
    assert.deepEqual(await buildRunnerTarball(directory, { version, nodePath }), tarball);
    assert.equal(statSync(tarball.path).ino, before);
    writeFileSync(nodePath, "#!/bin/sh\nexit 1\n");
    assert.notEqual((await buildRunnerTarball(directory, { version, nodePath })).sha256, tarball.sha256);
  });
});
