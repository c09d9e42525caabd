import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePrograms } from "../../../runner-image/bundle";
import { removeAttributes } from "../../../runner-image/supervisor/attributes";
import { reasonNotToRun } from "../../../runner-image/supervisor/container";
import { parseJobIdentity, readJobIdentity } from "../../../runner-image/supervisor/jobIdentity";
import { parseJobNews } from "../../../runner-image/supervisor/listener";
import { listenerEnvironment, readSupervisorSettings } from "../../../runner-image/supervisor/settings";
import { parseObjects } from "../../../runner-image/supervisor/sharedMemory";
import { emptyDirectories } from "../../../runner-image/supervisor/wipe";

let directory: string;

function useDirectory(): void {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "supervisor-test-"));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
}

describe("the supervisor's licence to end every process", () => {
  const container = { uid: 1001, parentPid: 1, initName: "tini", others: 0 };

  it("is given in a container of its own", () => {
    assert.equal(reasonNotToRun(container), undefined);
  });

  const refusals: [string, Partial<typeof container>, RegExp][] = [
    ["to root", { uid: 0 }, /root/],
    ["under an init it does not know", { initName: "systemd" }, /"systemd"; allowed: tini/],
    ["below another process than the init", { parentPid: 42 }, /process 42/],
    ["beside other processes", { others: 3 }, /3 other processes/],
  ];
  for (const [what, over, reason] of refusals) {
    it(`is refused ${what}`, () => assert.match(reasonNotToRun({ ...container, ...over }) ?? "", reason));
  }
});

describe("emptying a directory", () => {
  useDirectory();

  it("removes everything in it and keeps the directory", async () => {
    mkdirSync(join(directory, "a/b"), { recursive: true });
    writeFileSync(join(directory, "a/b/file"), "x");
    writeFileSync(join(directory, ".hidden"), "x");
    await emptyDirectories([directory, join(directory, "not-there")]);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("does not follow links out of it", async () => {
    const outside = mkdtempSync(join(tmpdir(), "supervisor-test-outside-"));
    try {
      writeFileSync(join(outside, "keep"), "x");
      symlinkSync(outside, join(directory, "link"));
      await emptyDirectories([directory]);
      assert.deepEqual(readdirSync(directory), []);
      assert.ok(existsSync(join(outside, "keep")));
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it("removes directories nested deeper than a path can be long, and names that are no text", async () => {
    const step = "d".repeat(200);
    const script = `printf x > "$(printf 'a\\377b')"; for n in $(seq 40); do mkdir ${step} && cd -P ${step}; done; echo deep > file`;
    execFileSync("bash", ["-ec", script], { cwd: directory });
    await emptyDirectories([directory]);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("refuses what is no directory, rather than to take it for empty", async () => {
    const file = join(directory, "file");
    writeFileSync(file, "x");
    await assert.rejects(emptyDirectories([file]), /is not a directory/);
  });
});

describe("removing extended attributes", () => {
  useDirectory();

  const attributes = () => execFileSync("getfattr", ["--absolute-names", directory], { encoding: "utf8" });

  before(function () {
    if (spawnSync("setfattr", ["--version"]).error === undefined) return;
    console.log("    skipped: setfattr is not installed (Debian package attr)");
    this.skip();
  });

  it("leaves none, whatever they are called, and minds no directory without any", async () => {
    for (const name of ["user.left", "user.a=b\nc", "user.%s\\ x", "user.\u00e4"]) {
      execFileSync("setfattr", [`--name=${name}`, "--value=secret", directory]);
    }
    assert.notEqual(attributes(), "");
    await removeAttributes([directory, join(directory, "not-there")]);
    assert.equal(attributes(), "");
  });
});

describe("the listener's environment", () => {
  it("has the container's variables without the supervisor's, and the JIT configuration", () => {
    const env = listenerEnvironment(
      {
        PATH: "/bin",
        DIGDAG_ENDPOINT: "https://d",
        LEASE_SOCKET: "/s",
        WORK_DIRS: "/w",
        NODE_OPTIONS: "--inspect",
        ACTIONS_RUNNER_INPUT_TOKEN: "t",
        JOB_STARTED_HOOK: "/opt/hook.sh",
      },
      { runnerHome: "/runner", jobStartedHook: "/opt/hook.sh" },
      "blob",
    );
    assert.deepEqual(env, {
      PATH: "/bin",
      DIGDAG_ENDPOINT: "https://d",
      ACTIONS_RUNNER_HOOK_JOB_STARTED: "/opt/hook.sh",
      DIGDAG_RUNNER_JOB_FILE: "/runner/.job",
      ACTIONS_RUNNER_INPUT_JITCONFIG: "blob",
      ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1",
    });
  });
});

describe("the supervisor's settings", () => {
  it("always include the memory that processes share", () => {
    const env = {
      LEASE_SOCKET: "/s",
      RUNNER_SOURCE: "/o",
      RUNNER_HOME: "/runner",
      WORK_DIRS: "/runner:/tmp:/dev/shm",
      MAX_JOB_MINUTES: "60",
    };
    assert.deepEqual(readSupervisorSettings(env).workDirectories, [
      "/runner",
      "/tmp",
      "/dev/shm",
      "/dev/mqueue",
    ]);
  });

  it("name every problem in one message", () => {
    assert.throws(
      () => readSupervisorSettings({ MAX_JOB_MINUTES: "-1" }),
      /LEASE_SOCKET[\s\S]*WORK_DIRS[\s\S]*MAX_JOB_MINUTES is "-1"/,
    );
  });
});

describe("the listener's lines", () => {
  it("tell when a job starts and how it ends", () => {
    assert.deepEqual(parseJobNews("2026-11-22 23:00:00Z: Running job: deploy (stg)"), {
      event: "started",
      name: "deploy (stg)",
    });
    assert.deepEqual(parseJobNews("2026-11-22 23:00:00Z: Job deploy (stg) completed with result: Canceled"), {
      event: "completed",
      name: "deploy (stg)",
      result: "Canceled",
    });
    assert.equal(parseJobNews("2026-11-22 23:00:00Z: Listening for Jobs"), undefined);
    // A job can have the listener print anything, and metrics keep it as a label.
    assert.equal(parseJobNews("x: Job deploy completed with result: secret")?.result, "unknown");
  });
});

describe("what the job-started hook tells", () => {
  useDirectory();
  const identity = {
    repository: "acme/workflows",
    workflow: "Deploy",
    job: "deploy",
    runId: "17",
    runAttempt: "2",
  };
  const hook = join(__dirname, "../../../runner-image/launchers/job-started.sh");
  const env = {
    PATH: process.env.PATH,
    GITHUB_REPOSITORY: "acme/workflows",
    GITHUB_WORKFLOW: "Deploy",
    GITHUB_JOB: "deploy",
    GITHUB_RUN_ID: "17",
    GITHUB_RUN_ATTEMPT: "2",
  };
  const never = new AbortController().signal;

  it("is read by the supervisor as the hook wrote it", async () => {
    const file = join(directory, "job");
    execFileSync("bash", ["-e", hook], { env: { ...env, DIGDAG_RUNNER_JOB_FILE: file } });
    assert.deepEqual(await readJobIdentity(file, never), identity);
  });

  it("never fails a job, not even where it cannot be written", () => {
    const printed = execFileSync("bash", ["-e", hook], {
      env: { ...env, DIGDAG_RUNNER_JOB_FILE: "/nowhere/job" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    assert.match(printed.toString(), /deploys to Digdag/);
  });

  it("is nothing when a line is missing or a job wrote something else", () => {
    assert.equal(parseJobIdentity("acme/workflows\nDeploy\n"), undefined);
    assert.equal(parseJobIdentity(`${"x".repeat(201)}\na\nb\nc\nd\n`), undefined);
  });

  it("is not waited for in a pipe that a job put in its place", async () => {
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    assert.equal(await readJobIdentity(pipe, AbortSignal.timeout(700)), undefined);
  });
});

describe("the table of System V objects", () => {
  const table = `       key      shmid perms       size  cpid  lpid nattch   uid   gid  cuid  cgid
         0         32   600       4096    10    10      0  1001  1001  1001  1001
         0         33   600       4096    10    10      0     0     0     0     0
         0         34   600       4096    10    10      0     0     0  1001  1001
`;
  it("gives the ids of one user's objects, owned or made", () => {
    assert.deepEqual(parseObjects(table, 1001), ["32", "34"]);
    assert.deepEqual(parseObjects("", 1001), []);
  });
});

describe("the bundles of the image", function () {
  this.timeout(60_000);
  useDirectory();

  it("are the same bytes each time, hold no path of this machine, and need no package", async () => {
    const directories = ["one", "two/deeper"].map((name) => join(directory, name));
    const [first = [], second = []] = await Promise.all(
      directories.map((outDirectory) => bundlePrograms({ outDirectory })),
    );
    assert.equal(first.length, 3);
    for (const [n, path] of first.entries()) {
      const text = readFileSync(path, "utf8");
      assert.equal(text, readFileSync(second[n] ?? "", "utf8"));
      assert.ok(!text.includes(process.cwd()), `${path} holds ${process.cwd()}`);
      for (const [, name = ""] of text.matchAll(/require\("([^"]+)"\)/g)) {
        // undici asks for node:sqlite where a newer Node has it.
        if (name.startsWith("node:")) continue;
        assert.doesNotThrow(() => require.resolve(name, { paths: ["/"] }), name);
      }
    }
  });
});
