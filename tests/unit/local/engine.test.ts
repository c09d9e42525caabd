import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildKey, type GoModule } from "../../../local/engine/goBuild";
import { dependencies } from "../../../local/engine/language-host/host";
import { linkPackages, pluginCommand } from "../../../local/engine/language-host/packages";
import {
  programCommand,
  programResult,
  type RunRequest,
  splitArguments,
} from "../../../local/engine/language-host/program";
import { withLock } from "../../../local/engine/lock";
import { root } from "../../../local/lib/paths";

describe("language host", () => {
  const request: RunRequest = {
    rootDirectory: "/project",
    programDirectory: root,
    entryPoint: ".",
    options: { typescript: false, nodeargs: "--require ./some.cjs" },
    workingDirectory: root,
    organization: "organization",
    project: "digdag-runner",
    stack: "prd",
    dryRun: true,
    parallel: 16,
    monitorAddress: "127.0.0.1:1",
    args: [],
    config: { "digdag-runner:token": "s3cret" },
    configSecretKeys: ["digdag-runner:token"],
  };

  it("runs the program through the SDK that the program itself has, with the project's Node.js arguments", () => {
    const { args } = programCommand(request, "127.0.0.1:2");
    assert.deepEqual(args.slice(0, 3), [
      "--require",
      "./some.cjs",
      join(root, "node_modules/@pulumi/pulumi/cmd/run/index.js"),
    ]);
    assert.ok(args.includes("--monitor=127.0.0.1:1") && args.includes("--engine=127.0.0.1:2"));
    assert.ok(args.includes("--root-directory=/project") && args.includes(`--pwd=${root}`));
    assert.deepEqual(args.slice(-2), ["--dry-run", "."]);
    assert.ok(!programCommand({ ...request, dryRun: false }, "").args.includes("--dry-run"));
  });

  it("hands configuration over in the environment and never on the command line, which every user can read", () => {
    const { args, env } = programCommand(request, "127.0.0.1:2");
    assert.deepEqual(JSON.parse(env.PULUMI_CONFIG ?? ""), request.config);
    assert.deepEqual(JSON.parse(env.PULUMI_CONFIG_SECRET_KEYS ?? ""), request.configSecretKeys);
    assert.ok(!args.some((arg) => arg.includes("s3cret")));
  });

  it("leaves TypeScript to the SDK unless the project says otherwise", () => {
    assert.equal(programCommand(request, "").env.PULUMI_NODEJS_TYPESCRIPT, "false");
    const { env } = programCommand({ ...request, options: { tsconfig: "tsconfig.pulumi.json" } }, "");
    assert.equal(env.PULUMI_NODEJS_TYPESCRIPT, "true");
    assert.equal(env.PULUMI_NODEJS_TSCONFIG_PATH, "tsconfig.pulumi.json");
  });

  it("says what to do about a program without its dependencies", () => {
    assert.throws(
      () => programCommand({ ...request, programDirectory: "/" }, ""),
      /no @pulumi\/pulumi; run npm ci/,
    );
  });

  it("splits Node.js arguments as a shell does", () => {
    assert.deepEqual(splitArguments(`--import some  --title="a b" '--x=c d'`), [
      "--import",
      "some",
      "--title=a b",
      "--x=c d",
    ]);
    assert.deepEqual(splitArguments("  "), []);
  });

  it("serves packages and policy packs through the SDK that is found from their directory, with the environment given and no other", () => {
    const request = { args: ["127.0.0.1:2"], environment: ["A=1", "B=x=y", "C="] };
    const entryPoint = (name: string) => join(root, `node_modules/@pulumi/pulumi/cmd/${name}/index.js`);
    const served = pluginCommand({ kind: "resource", directory: root, ...request });
    assert.deepEqual(served.args, [entryPoint("run-plugin"), root, "127.0.0.1:2"]);
    assert.deepEqual(served.env, { A: "1", B: "x=y", C: "" });
    const pack = join(root, "policy");
    assert.deepEqual(pluginCommand({ kind: "analyzer", directory: pack, ...request }).args, [
      entryPoint("run-policy-pack"),
      "127.0.0.1:2",
      pack,
    ]);
    for (const kind of ["resource", "analyzer"]) {
      const nowhere = () => pluginCommand({ kind, directory: "/", args: [], environment: [] });
      assert.throws(nowhere, /\/ has no @pulumi\/pulumi; run npm ci/);
    }
    assert.throws(
      () => pluginCommand({ kind: "tool", directory: root, ...request }),
      /kind tool cannot be run/,
    );
  });

  it("makes a generated SDK a dependency of a program, beside those it has", () => {
    const directory = mkdtempSync(join(tmpdir(), "digdag-runner-link-"));
    try {
      mkdirSync(join(directory, "sdks/some-package"), { recursive: true });
      writeFileSync(join(directory, "package.json"), '{"name":"program","dependencies":{"a":"1.0.0"}}');
      writeFileSync(join(directory, "sdks/some-package/package.json"), '{"name":"@pulumi/some-package"}');
      const told = linkPackages(directory, ["sdks/some-package"]);
      assert.match(told, /import \* as somePackage from "@pulumi\/some-package";/);
      assert.deepEqual(JSON.parse(readFileSync(join(directory, "package.json"), "utf8")), {
        name: "program",
        dependencies: { a: "1.0.0", "@pulumi/some-package": "file:sdks/some-package" },
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("does not report an error again that the program has reported", () => {
    assert.deepEqual(programResult(0, null), {});
    assert.deepEqual(programResult(32, null), { bail: true });
    assert.match(programResult(1, null).error ?? "", /exit code: 1/);
    assert.match(programResult(null, "SIGKILL").error ?? "", /SIGKILL/);
  });

  it("lists the versions of dependencies that are installed, and what is asked for where none is", () => {
    const directory = mkdtempSync(join(tmpdir(), "language-host-"));
    try {
      mkdirSync(join(directory, "node_modules/there"), { recursive: true });
      writeFileSync(join(directory, "node_modules/there/package.json"), '{"version":"1.2.3"}');
      writeFileSync(join(directory, "package.json"), '{"dependencies":{"there":"^1.0.0","missing":"2.x"}}');
      assert.deepEqual(dependencies(directory), [
        { name: "there", version: "1.2.3" },
        { name: "missing", version: "2.x" },
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("key of a Go build", () => {
  let directory: string;
  let module: GoModule;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "go-build-"));
    mkdirSync(join(directory, "sub"));
    writeFileSync(join(directory, "go.mod"), "module m\n");
    writeFileSync(join(directory, "sub", "main.go"), "package main\n");
    module = { name: "m", directory, programs: { m: "./sub" }, flags: ["-x"] };
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it("stays the same for the same sources", () => {
    assert.equal(buildKey(module, "go1.26"), buildKey({ ...module }, "go1.26"));
  });

  it("changes with the compiler, the flags and every source file", () => {
    const keys = [
      buildKey(module, "go1.26"),
      buildKey(module, "go1.27"),
      buildKey({ ...module, flags: [] }, "go1.26"),
    ];
    writeFileSync(join(directory, "sub", "main.go"), "package main // changed\n");
    keys.push(buildKey(module, "go1.26"));
    assert.equal(new Set(keys).size, keys.length);
  });
});

describe("lock between processes", () => {
  const name = () => `test-${process.pid}-${Math.random()}`;

  it("lets one work at a time, and says once that it waits", async () => {
    const lock = name();
    let waits = 0;
    let inside = 0;
    const work = () =>
      withLock(
        lock,
        () => {
          waits += 1;
        },
        async () => {
          inside += 1;
          assert.equal(inside, 1);
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
        },
      );
    await Promise.all([work(), work()]);
    assert.equal(waits, 1);
  });

  it("is free again after a failure", async () => {
    const lock = name();
    await assert.rejects(
      withLock(
        lock,
        () => {},
        async () => {
          throw new Error("boom");
        },
      ),
      /boom/,
    );
    assert.equal(await withLock(lock, assert.fail, async () => "free"), "free");
  });

  it("is free again when its holder was killed", async () => {
    const lock = name();
    const program = `require("node:net").createServer().listen("\\0digdag-runner:${lock}", () => console.log("held"))`;
    const holder = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    let waited = false;
    const result = await withLock(
      lock,
      () => {
        waited = true;
        holder.kill("SIGKILL");
      },
      async () => "mine",
    );
    assert.deepEqual([result, waited], ["mine", true]);
  });
});
