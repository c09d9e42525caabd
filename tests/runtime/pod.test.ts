import assert from "node:assert/strict";
import { chmodSync, readdirSync } from "node:fs";
import type { Job, Step } from "../../local/github/types";
import { RUNNER_UID, RunnerContainer, reasonForNoContainers } from "./support/container";
import { until } from "./support/until";
import { REPOSITORY, World } from "./support/world";

const TOKEN = "github_pat_second_secret_token";

describe("broker and runner together", function () {
  this.timeout(90_000);
  let world: World;
  let container: RunnerContainer;

  before(function () {
    const reason = reasonForNoContainers();
    if (reason === undefined) return;
    console.log(`    skipped: ${reason}`);
    this.skip();
  });

  const start = async (env: Record<string, string> = {}) => {
    world = await World.create(TOKEN);
    await world.startBroker();
    container = await RunnerContainer.start(world, env);
  };
  const queue = (...steps: (string | Step)[]) =>
    world.github.queueJob({
      repository: REPOSITORY,
      labels: ["digdag", "stg"],
      steps: steps.map((step, n) => (typeof step === "string" ? { name: `step ${n}`, run: step } : step)),
    });
  const done = async (job: Job) => {
    const end = await world.github.jobCompleted(job.id, 30_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${container.program.output}\n${world.broker.output}`);
    });
    return end;
  };
  const succeeded = async (job: Job) => {
    const end = await done(job);
    assert.equal(end.conclusion, "success", `${end.log}\n${container.program.output}`);
    return end;
  };
  const running = (job: Job, marker: string) =>
    until(`${marker} in the job's log`, () => world.github.job(job.id).log.includes(`\n${marker}`), 20_000);

  afterEach(async () => {
    await container?.close();
    await world?.close();
    for (const output of [world.broker.output, container.program.output]) {
      assert.ok(!output.includes(TOKEN), "the token is in a log");
      assert.doesNotMatch(output, /eyJ[A-Za-z0-9+/=]{40}/, "a JIT configuration is in a log");
    }
  });

  it("is ready when GitHub lists the runner as online, runs a job, and then is another runner", async () => {
    await start();
    const before = await world.ready(true, 30_000);
    assert.equal(world.github.runners()[0]?.status, "online");
    const job = await succeeded(queue("echo hello from the job"));
    assert.match(job.log, /hello from the job/);
    assert.equal(job.runnerId, before.runner?.id);
    await until("another runner is online", () =>
      world.github.runners().some((runner) => runner.id !== job.runnerId && runner.status === "online"),
    );
    assert.equal(world.github.runners().length, 1);
    await world.broker.logged("job completed");
    assert.match(await world.metrics(), /jobs_total\{result="Succeeded"\} 1/);
    const line = await container.program.logged("the listener ended");
    assert.equal(line.runnerId, job.runnerId);
  });

  it("gives a job what it needs in its environment and nothing of the supervisor's", async () => {
    await start();
    const { log } = await succeeded(queue("env | sort"));
    assert.ok(log.includes(`DIGDAG_ENDPOINT=${world.digdag.url}`));
    assert.doesNotMatch(log, /LEASE_SOCKET|WORK_DIRS|RUNNER_HOME|RUNNER_SOURCE|JITCONFIG|github_pat/);
  });

  it("lets nothing of one job be seen by the next: files, odd files, shared memory, processes", async () => {
    await start();
    const leave = `
      echo secret > "$HOME/left"; echo secret > /tmp/left; echo secret > /dev/shm/left; echo secret > "$GITHUB_WORKSPACE/../left"
      mkdir -p "$HOME/closed/inner"; echo x > "$HOME/closed/inner/file"; chmod 000 "$HOME/closed/inner" "$HOME/closed"
      printf secret > "$HOME/$(printf 'not\\377text')"; mkfifo "$HOME/pipe"; ln -s / "$HOME/link"
      cd "$HOME"; for n in $(seq 60); do mkdir ${"d".repeat(100)} && cd ${"d".repeat(100)}; done; echo deep > file; cd /
      ipcmk --shmem 4096 --queue
      setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 0.2; done' left-behind >/dev/null 2>&1 &
      (setsid sh -c 'sleep 1000 & sleep 1001' >/dev/null 2>&1 &)
      sh -c 'kill -STOP $$; sleep 1002' >/dev/null 2>&1 &
      sleep 0.3; echo left`;
    await succeeded(queue(leave));
    const look = `
      ls -A "$HOME" /tmp /dev/shm | sort; ls -A "$RUNNER_WORKSPACE/.."
      ipcs | grep ${RUNNER_UID} && exit 1
      for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null; echo; done > "$RUNNER_TEMP/processes"
      cat "$RUNNER_TEMP/processes"
      echo looked`;
    const { log } = await succeeded(queue(look));
    const seen = log.slice(log.lastIndexOf("##[endgroup]"));
    assert.match(seen, /looked/);
    assert.doesNotMatch(seen, /left|closed|secret|dddd|sleep 100|pipe|link/);
    assert.match(seen, /Runner.Worker/, "the look at the processes shows nothing");
  });

  it("keeps the supervisor closed to job code: environment, memory, inspector, lease", async () => {
    await start();
    const attack = `
      supervisor=$(for d in /proc/[0-9]*; do grep -q 'supervisor.js' $d/cmdline 2>/dev/null && basename $d; done | sort -n | tail -n 1)
      test -n "$supervisor"; grep -qz supervisor.js /proc/$supervisor/cmdline; echo "found it"
      for f in environ mem maps; do cat /proc/$supervisor/$f >/dev/null 2>&1 && echo "READ $f"; done
      ls /proc/$supervisor/fd >/dev/null 2>&1 && echo "READ fd"
      kill -USR1 $supervisor; sleep 1
      grep -i ':240D ' /proc/net/tcp && echo "INSPECTOR"
      kill -0 $supervisor && echo "it lives"
      "$RUNNER_NODE" -e '
        const s = require("node:net").connect(${JSON.stringify(world.leaseSocket)});
        s.setEncoding("utf8").on("data", (t) => console.log("lease said " + t));
        s.on("connect", () => s.write(JSON.stringify({type:"hello",beacon:"thief"}) + "\\n" + JSON.stringify({type:"ready"}) + "\\n"));
        s.on("error", () => {}); s.on("close", () => process.exit(0));'`;
    const job = queue({
      name: "attack",
      run: attack,
      env: { RUNNER_NODE: process.execPath },
    });
    const { log } = await succeeded(job);
    const seen = log.slice(log.lastIndexOf("##[endgroup]"));
    assert.match(seen, /found it/);
    assert.match(seen, /it lives/);
    assert.match(seen, /lease said \{"type":"refused"/);
    assert.doesNotMatch(seen, /READ|INSPECTOR|welcome|jit/);
  });

  it("ends at once with code 0 when it is idle, and leaves no registration", async () => {
    await start();
    await world.ready(true, 30_000);
    await container.terminate();
    assert.equal(await container.program.exited, 0);
    assert.deepEqual(world.github.runners(), []);
    assert.equal(await world.broker.kill("SIGTERM"), 0);
  });

  it("lets a running job finish when it is asked to stop, takes no other, and ends with code 0", async () => {
    await start();
    const job = queue("echo started; sleep 3; echo finished");
    await running(job, "started");
    await container.terminate();
    const other = queue("echo never here");
    const end = await succeeded(job);
    assert.match(end.log, /\nfinished/);
    assert.equal(await container.program.exited, 0);
    await until("no registration is left", () => world.github.runners().length === 0);
    assert.equal(world.github.job(other.id).status, "queued");
    assert.equal(world.github.jobs().filter((each) => each.status === "completed").length, 1);
  });

  it("cancels a job that outlasts the grace, and lets its steps for that case run", async () => {
    await start({ MAX_JOB_MINUTES: "0.03" });
    const job = queue("echo started; sleep 300", { name: "tidy", run: "echo tidied up", always: true });
    await running(job, "started");
    await container.terminate();
    const end = await done(job);
    assert.equal(end.conclusion, "cancelled");
    assert.match(end.log, /\ntidied up/);
    assert.equal(await container.program.exited, 0);
    assert.deepEqual(world.github.runners(), []);
  });

  it("does not lose a job to a restart of the broker, and goes on with the same lease after it", async () => {
    await start();
    const job = queue("echo started; sleep 4; echo finished");
    await running(job, "started");
    await world.broker.kill("SIGKILL");
    await world.startBroker();
    await world.broker.logged("a supervisor holds the lease");
    await succeeded(job);
    await succeeded(queue("echo next"));
  });

  it("drains through a broker that was restarted meanwhile", async () => {
    await start();
    await world.ready(true, 30_000);
    await world.broker.kill("SIGKILL");
    await container.terminate();
    await world.startBroker();
    assert.equal(await container.program.exited, 0);
    assert.deepEqual(world.github.runners(), []);
  });

  it("says in its logs which job of GitHub it runs", async () => {
    await start();
    const job = await succeeded(queue("sleep 1"));
    const line = await container.program.logged("job identified");
    assert.equal(line.repository, REPOSITORY);
    assert.equal(line.runId, String(job.id));
    assert.equal(line.runnerId, job.runnerId);
    const told = await world.broker.logged("job completed");
    assert.equal(told.runId, String(job.id));
  });

  const ghosts = [
    {
      what: "lost the job it was assigned",
      behaviour: "lose-assignment",
      settings: { LISTENER_MISSING_SECONDS: "1" },
    },
    { what: "says it listens and does not", behaviour: "hang", settings: { LISTENER_OFFLINE_SECONDS: "2" } },
  ] as const;
  for (const { what, behaviour, settings } of ghosts) {
    it(`replaces a listener that ${what}, and the job runs on the next`, async () => {
      world = await World.create(TOKEN);
      await world.startBroker(settings);
      world.github.addFault({ listener: { type: behaviour } });
      container = await RunnerContainer.start(world, {});
      await container.program.logged("the listener was started", 30_000);
      const job = queue("echo on the next one");
      await succeeded(job);
      await world.broker.logged("the idle runner is replaced");
    });
  }

  it("lets a job finish whose runner somebody deleted, as far as GitHub lets it", async () => {
    world = await World.create(TOKEN);
    await world.startBroker({ LISTENER_MISSING_SECONDS: "1" });
    container = await RunnerContainer.start(world, {});
    const job = queue("echo started; sleep 4; echo finished > $HOME/../done");
    await running(job, "started");
    world.github.removeRunner(job.runnerId ?? world.github.job(job.id).runnerId ?? 0);
    await container.program.logged("the listener is kept: a job runs", 20_000);
    await succeeded(queue("echo next"));
  });

  it("ends when a job changed what every later listener would inherit, so that the container is replaced", async () => {
    await start();
    const lower = `
      supervisor=$(for d in /proc/[0-9]*; do grep -q 'supervisor.js' $d/cmdline 2>/dev/null && basename $d; done | sort -n | tail -n 1)
      prlimit --pid $supervisor --nofile=200:200; renice -n 5 -p $supervisor`;
    await succeeded(queue(lower));
    assert.equal(await container.program.exited, 1);
    assert.match(container.program.output, /changed resource limits or the scheduling/);
  });

  it("ends when somebody kills its listener, so that the next container need not wait for GitHub", async () => {
    await start();
    const job = queue("echo started; sleep 2; pkill -KILL -x Runner.Listener; sleep 60");
    await running(job, "started");
    assert.equal(await container.program.exited, 1);
    assert.match(container.program.output, /the listener was killed by SIGKILL/);
  });

  for (const code of [1, 2, 5]) {
    it(`registers anew after the listener ended with code ${code}`, async () => {
      await start();
      world.github.addFault({ listener: { type: "exit", code } });
      const line = await world.broker.logged("the listener ended", 30_000);
      assert.equal(line.exitCode, code);
      await succeeded(queue("echo after it"));
      assert.equal(world.github.runners().filter((runner) => runner.id === line.runnerId).length, 0);
    });
  }

  it("stops registering when GitHub refuses the runner's version", async () => {
    await start();
    world.github.addFault({ listener: { type: "deprecated" }, times: 0 });
    await world.ready(/newer runnerVersion/, 30_000);
    await container.terminate();
    assert.equal(await container.program.exited, 0);
    assert.deepEqual(world.github.runners(), []);
  });

  it("leaves only the runner of the next job in the runner's directory", async () => {
    await start();
    await succeeded(queue('echo tampered > "$RUNNER_WORKSPACE/../../bin/Runner.Listener"'));
    await succeeded(queue("echo still the real one"));
    assert.ok(readdirSync(container.runnerHome).includes("bin"));
  });
});

describe("the supervisor outside of a container of its own", function () {
  this.timeout(60_000);

  before(function () {
    if (reasonForNoContainers() !== undefined) this.skip();
  });

  it("refuses to run as root, and beside other processes", async () => {
    const world = await World.create(TOKEN);
    try {
      // Even these run in a PID namespace: should the check fail one day, nothing else may be hit.
      const asRoot = await RunnerContainer.startWith(world, 0);
      assert.equal(await asRoot.program.exited, 1);
      assert.match(asRoot.program.output, /refuses to run.*runs as root/);
      const crowded = await RunnerContainer.startWith(world, RUNNER_UID, "sleep 60 &");
      assert.equal(await crowded.program.exited, 1);
      assert.match(crowded.program.output, /refuses to run.*1 other processes run here/);
      const noInit = await RunnerContainer.startWith(world, RUNNER_UID, "", "");
      assert.equal(await noInit.program.exited, 1);
      assert.match(noInit.program.output, /refuses to run/);
    } finally {
      await world.close();
    }
  });

  it("refuses a lease whose directory jobs can write to", async () => {
    const world = await World.create(TOKEN);
    chmodSync(world.leaseDirectory, 0o777);
    try {
      const container = await RunnerContainer.start(world);
      assert.equal(await container.program.exited, 1);
      assert.match(container.program.output, /Mount the lease volume read-only/);
    } finally {
      await world.close();
    }
  });
});
