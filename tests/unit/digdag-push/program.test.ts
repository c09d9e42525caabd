import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { parse } from "yaml";
import { EXIT_MEANING } from "../../../digdag-push/errors";
import { Cleaner, deploy, push, schedules, writeFiles } from "./support";

const ROOT = resolve(__dirname, "../../..");

describe("the program", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("runs as one bundled file, sets the exit code and ends by itself", async () => {
    const outfile = join(cleaner.folder(), "digdag-push.js");
    await build({
      entryPoints: [join(ROOT, "digdag-push/cli.ts")],
      bundle: true,
      minify: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      outfile,
      logLevel: "error",
    });
    const digdag = await cleaner.digdag();
    const run = (url: string) => {
      const argv = [
        outfile,
        "--project",
        "demo",
        "--directory",
        join(ROOT, "examples/hello-digdag"),
        "--json",
      ];
      const env = { PATH: process.env.PATH, DIGDAG_ENDPOINT: url, GITHUB_SHA: "abc" };
      return promisify(execFile)(process.execPath, argv, { env, timeout: 10_000 });
    };
    assert.equal(JSON.parse((await run(digdag.url)).stdout).verdict, "pushed");
    await assert.rejects(run("not a url"), { code: 2 });
  });

  it("has every exit code in its README", () => {
    const readme = readFileSync(join(ROOT, "digdag-push/README.md"), "utf8");
    for (const [code, meaning] of Object.entries(EXIT_MEANING))
      assert.ok(readme.includes(`| ${code} | ${meaning} |`), code);
  });
});

describe("the example project", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("is deployed with its two schedules, without its README and tests", async () => {
    const digdag = await cleaner.digdag();
    const { exitCode, json, stderr } = await deploy(digdag.url, join(ROOT, "examples/hello-digdag"), "r1");
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(json.workflows, ["backfill", "daily_report", "hourly_cleanup"]);
    assert.deepEqual(
      (await schedules(digdag)).map(({ workflow }: { workflow: { name: string } }) => workflow.name).sort(),
      ["daily_report", "hourly_cleanup"],
    );
    const text = await push(["--project", "other", "--directory", join(ROOT, "examples/hello-digdag")], {
      DIGDAG_ENDPOINT: digdag.url,
      GITHUB_SHA: "r1",
    });
    assert.match(text.stdout, /archive {4}11 files/);
  });
});

describe("the action", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());
  const action = parse(readFileSync(join(ROOT, "digdag-push/action.yml"), "utf8"));
  const [step] = action.runs.steps;

  const runStep = (inputs: Record<string, string>, path: string) =>
    spawnSync("/bin/bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", step.run], {
      env: {
        PATH: path,
        INPUT_PROJECT: "demo",
        INPUT_DIRECTORY: ".",
        INPUT_TIMEOUT: "120",
        INPUT_ENDPOINT: "",
        INPUT_REVISION: "",
        INPUT_ALLOW_REMOVE: "",
        ...inputs,
      },
      encoding: "utf8",
    });

  it("hands its inputs to digdag-push as they are, and runs nothing that is in them", () => {
    const folder = cleaner.project({});
    writeFiles(folder, { "digdag-push": '#!/bin/sh\nfor a in "$@"; do echo "[$a]"; done\n' });
    execFileSync("chmod", ["755", join(folder, "digdag-push")]);
    const { stdout, status } = runStep(
      { INPUT_PROJECT: "a $(touch x) `id`", INPUT_REVISION: "r1", INPUT_ALLOW_REMOVE: "one\n\ntwo words\n" },
      `${folder}:/usr/bin:/bin`,
    );
    assert.equal(status, 0);
    assert.equal(
      stdout,
      "[apply]\n[--project]\n[a $(touch x) `id`]\n[--directory]\n[.]\n[--timeout]\n[120]\n[--revision]\n[r1]\n[--allow-remove]\n[one]\n[--allow-remove]\n[two words]\n",
    );
  });

  it("fails with a message on a runner that has no digdag-push", () => {
    const { stdout, status } = runStep({}, "/nonexistent");
    assert.equal(status, 2);
    assert.match(stdout, /^::error .*self-hosted, digdag/);
  });

  it("passes every input by the environment, never inside the script", () => {
    assert.doesNotMatch(step.run, /\$\{\{/);
    const passed = Object.values(step.env as Record<string, string>).map(
      (value) => /inputs\.([\w-]+)/.exec(value)?.[1],
    );
    assert.deepEqual(passed.sort(), Object.keys(action.inputs).sort());
  });

  it("offers the outputs that digdag-push writes", () => {
    assert.deepEqual(Object.keys(action.outputs), ["revision", "previous-revision", "project-id", "changed"]);
  });
});
