import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { generate } from "selfsigned";
import { parse } from "yaml";
import { EXIT_MEANING } from "../../../digdag-push/errors";
import { COMMANDS, type CommandName, flagsOf } from "../../../digdag-push/flags";
import { apply, DEFAULT_LIMITS, DigdagApi } from "../../../digdag-push/index";
import { parseCommand } from "../../../digdag-push/options";
import { Cleaner, DAILY, deploy, push, schedules, writeFiles } from "../../unit/digdag-push/support";

const ROOT = resolve(__dirname, "../../..");

const bundle = (outfile: string) =>
  build({
    entryPoints: [join(ROOT, "digdag-push/cli.ts")],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    outfile,
    logLevel: "error",
  });

describe("the program", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("runs as one bundled file, sets the exit code and ends by itself", async () => {
    const outfile = join(cleaner.folder(), "digdag-push.js");
    await bundle(outfile);
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

  it("trusts a company CA that Node is told of, and follows the proxy of the environment", async () => {
    const folder = cleaner.folder();
    const outfile = join(folder, "digdag-push.js");
    await bundle(outfile);
    const pem = await generate([{ name: "commonName", value: "company CA" }], {
      notAfterDate: new Date(Date.now() + 86_400_000),
      keyType: "ec",
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    });
    writeFiles(folder, { "ca.pem": pem.cert });
    const digdag = await cleaner.digdag({ tls: { key: pem.private, cert: pem.cert } });
    const doctor = (env: Record<string, string>) =>
      promisify(execFile)(process.execPath, [outfile, "doctor", "--json"], {
        env: { PATH: process.env.PATH, DIGDAG_ENDPOINT: digdag.url, ...env },
        timeout: 10_000,
      });
    await assert.rejects(doctor({}), { code: 3 });
    const trusted = { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
    const { verdict, steps } = JSON.parse((await doctor(trusted)).stdout);
    assert.equal(verdict, "healthy");
    const { advice } = steps.find(({ name }: { name: string }) => name === "TLS");
    assert.match(advice, /Renew the certificate/);
    await assert.rejects(doctor({ ...trusted, https_proxy: "http://127.0.0.1:9" }), { code: 3 });
    assert.ok(
      (await doctor({ ...trusted, https_proxy: "http://127.0.0.1:9", no_proxy: "127.0.0.1" })).stdout,
    );
  });

  it("has every exit code in its README", () => {
    const readme = readFileSync(join(ROOT, "digdag-push/README.md"), "utf8");
    for (const [code, meaning] of Object.entries(EXIT_MEANING))
      assert.ok(readme.includes(`| ${code} | ${meaning} |`), code);
  });
});

describe("the README", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());
  const readme = readFileSync(join(ROOT, "digdag-push/README.md"), "utf8");

  it("names every field that --json prints", async () => {
    const digdag = await cleaner.digdag();
    const directory = cleaner.project({
      "daily.dig": DAILY,
      "digdag-push.yml": "projects: {demo: {directory: .}}\n",
    });
    const env = { DIGDAG_ENDPOINT: digdag.url, GITHUB_SHA: "r1" };
    const here = ["--project", "demo", "--directory", directory];
    const calls = [
      ["apply", ...here],
      ["plan", ...here],
      ["check", "--directory", directory],
      ["doctor", "--project", "demo"],
      ["rollback", "--project", "demo", "--to", "r1"],
      ["plan", "--config", join(directory, "digdag-push.yml")],
      ["apply", "--directory", directory],
      ["apply", ...here, "--endpoint", "http://127.0.0.1:9"],
    ];
    const verdicts = new Set<string>();
    for (const call of calls) {
      const { json } = await push([...call, "--json"], env);
      verdicts.add(json.verdict);
      for (const key of [...Object.keys(json), json.verdict]) {
        const isNamed = readme.includes(`\`${key}\``) || readme.includes(`"${key}":`);
        assert.ok(isNamed, `${call[0]}: ${key}`);
      }
    }
    assert.deepEqual([...verdicts].sort(), [
      "checked",
      "done",
      "failed",
      "healthy",
      "planned",
      "pushed",
      "unchanged",
    ]);
  });

  it("names every option of apply, every variable of the help, and every command", async () => {
    const help = (await push(["--help"], {})).stdout;
    const names = [
      ...flagsOf("apply")
        .filter((flag) => !["help", "version"].includes(flag))
        .map((flag) => `--${flag}`),
      ...Object.keys(COMMANDS).map((command) => `\`${command}\``),
      ...(help.match(/\b(DIGDAG|EGRESS|NODE_EXTRA)_[A-Z_]+/g) ?? []),
    ];
    assert.deepEqual(
      names.filter((name) => !readme.includes(name)),
      [],
    );
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
        ...Object.fromEntries(
          Object.entries(action.inputs as Record<string, { default: string }>).map(([name, input]) => [
            `INPUT_${name.toUpperCase().replaceAll("-", "_")}`,
            input.default,
          ]),
        ),
        INPUT_PROJECT: "demo",
        ...inputs,
      },
      encoding: "utf8",
    });

  it("hands its inputs to digdag-push as they are, and runs nothing that is in them", () => {
    const folder = cleaner.project({});
    writeFiles(folder, { "digdag-push": '#!/bin/sh\nfor a in "$@"; do echo "[$a]"; done\n' });
    execFileSync("chmod", ["755", join(folder, "digdag-push")]);
    const { stdout, status } = runStep(
      {
        INPUT_PROJECT: "a $(touch x) `id`",
        INPUT_REVISION: "r1",
        INPUT_ALLOW_REMOVE: "one\n\ntwo words\n",
        INPUT_STRICT: "true",
      },
      `${folder}:/usr/bin:/bin`,
    );
    assert.equal(status, 0);
    assert.equal(
      stdout,
      "[apply]\n[--project]\n[a $(touch x) `id`]\n[--revision]\n[r1]\n[--allow-remove]\n[one]\n[--allow-remove]\n[two words]\n[--strict]\n",
    );
  });

  it("has an input for every option of every command", () => {
    const options = (Object.keys(COMMANDS) as CommandName[]).flatMap(flagsOf);
    const missing = options
      .map((option) => (option === "operator" ? "operators" : option))
      .filter((option) => !["json", "help", "version"].includes(option) && !(option in action.inputs));
    assert.deepEqual(missing, []);
  });

  it("refuses a switch that is neither true nor false", () => {
    const folder = cleaner.project({ "digdag-push": "#!/bin/sh\necho ran\n" });
    execFileSync("chmod", ["755", join(folder, "digdag-push")]);
    const { stdout, status } = runStep({ INPUT_FORCE: "yes" }, `${folder}:/usr/bin:/bin`);
    assert.equal(status, 2);
    assert.match(stdout, /^::error .*The input force must be true or false\.\n$/);
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
    assert.deepEqual(Object.keys(action.outputs), [
      "revision",
      "previous-revision",
      "project-id",
      "changed",
      "projects",
    ]);
  });
});

describe("the library", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("deploys without a command line", async () => {
    const digdag = await cleaner.digdag();
    const signal = AbortSignal.timeout(5_000);
    const endpoint = new URL(digdag.url);
    const api = new DigdagApi({ endpoint, limits: DEFAULT_LIMITS, signal, userAgent: "test" });
    cleaner.add(() => api.close());
    const directory = cleaner.project({ "daily.dig": DAILY });
    const files = { directory, operators: [], strict: false, generated: {} };
    const request = { ...files, project: "demo", revision: "r1", allowRemove: [], force: false };
    assert.equal((await apply(request, api)).verdict, "pushed");
  });
});

describe("the example workflows", () => {
  const folder = join(ROOT, "examples/workflows");
  const workflows = readdirSync(folder).map((file) => ({
    file,
    workflow: parse(readFileSync(join(folder, file), "utf8")),
  }));

  it("run on the private runners, one at a time where they change something, and with few rights", () => {
    assert.equal(workflows.length, 4);
    for (const { file, workflow } of workflows) {
      assert.ok(workflow.concurrency.group, file);
      assert.equal(workflow.concurrency["cancel-in-progress"], file === "plan.yml", file);
      assert.notEqual(workflow.permissions, undefined, file);
      for (const job of Object.values<{ "runs-on": string[]; "timeout-minutes": number }>(workflow.jobs)) {
        assert.deepEqual(job["runs-on"].slice(0, 2), ["self-hosted", "digdag"], file);
        assert.ok(job["timeout-minutes"] > 0, file);
      }
    }
  });

  it("never run for the pull request of a fork", () => {
    for (const { file, workflow } of workflows) {
      const triggers = Object.keys(workflow.on);
      assert.ok(!triggers.includes("pull_request"), file);
      if (!triggers.includes("pull_request_target")) continue;
      for (const job of Object.values<{ if: string }>(workflow.jobs))
        assert.equal(job.if, "github.event.pull_request.head.repo.full_name == github.repository", file);
    }
  });

  it("call digdag-push with options that it has, and paste no expression into a script", () => {
    let calls = 0;
    for (const { file, workflow } of workflows) {
      for (const { run } of Object.values<{ steps: { run?: string }[] }>(workflow.jobs).flatMap(
        ({ steps }) => steps,
      )) {
        if (run === undefined) continue;
        assert.doesNotMatch(run, /\$\{\{/, file);
        const call = /^ *digdag-push (.*)$/m.exec(run.replaceAll(/\\\n\s*/g, ""))?.[1];
        if (call === undefined) continue;
        calls++;
        const words = (call.match(/"[^"]*"|\S+/g) ?? []).filter((word) => !word.includes("[@]"));
        const command = parseCommand(words, {});
        assert.equal(command.kind, "run", `${file}: ${call}`);
      }
    }
    assert.equal(calls, 4);
  });

  it("come with a projects file that deploys the example project", async () => {
    const { exitCode, json, stderr } = await push(
      ["check", "--json", "--official-cli", "never", "--config", join(folder, "../digdag-push.yml")],
      {},
    );
    assert.equal(exitCode, 0, stderr);
    assert.equal(json.projects[0].project, "hello-digdag");
  });
});
