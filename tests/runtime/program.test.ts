import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { root } from "../../local/lib/paths";

describe("the program, loaded by a process of its own", () => {
  it("does not load what makes a cluster, where none is made", () => {
    const script = `
      require("./scripts/transpile.cjs");
      require("./index");
      const files = Object.keys(require.cache).filter((file) => /@pulumi.eks|components.runnerCluster/.test(file));
      process.stdout.write(JSON.stringify(files));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8" });
    assert.equal(stdout, "[]", stderr);
  });
});
