import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildRunnerTarball } from "../../../local/github/tarball";
import { cacheDir } from "../../../local/lib/paths";
import { bundles, openDirectory, Program, scratchDirectory } from "./program";
import { until } from "./until";
import { SHARED_GID, type World } from "./world";

/** uid of the supervisor and of all job code; nobody else on the machine has it. */
export const RUNNER_UID = 61001;

/** Why containers cannot be made here; undefined when they can. */
export function reasonForNoContainers(): string | undefined {
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "only root can make a PID namespace for the supervisor";
  for (const tool of ["tini", "unshare", "setpriv", "git"]) {
    if (spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0) return `${tool} is not installed`;
  }
  const probe = spawnSync("unshare", ["--pid", "--fork", "--mount", "--mount-proc", "--ipc", "true"]);
  return probe.status === 0 ? undefined : `unshare failed: ${probe.stderr}`;
}

let image: Promise<{ node: string; runnerSource: string; hook: string }> | undefined;

/** What the image holds for the supervisor: the stand-in for the runner, and Node as an execute-only copy. */
function imageFiles(): Promise<{ node: string; runnerSource: string; hook: string }> {
  image ??= (async () => {
    const cache = join(cacheDir, "runner-stand-in");
    const { path } = await buildRunnerTarball(cache, { version: "2.337.0" });
    const runnerSource = openDirectory(join(scratchDirectory(), "actions-runner"));
    execFileSync("tar", ["--extract", "--no-same-owner", "--file", path, "--directory", runnerSource]);
    const node = join(scratchDirectory(), "node");
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o711);
    const hook = join(scratchDirectory(), "job-started.sh");
    copyFileSync(join(__dirname, "../../../runner-image/launchers/job-started.sh"), hook);
    chmodSync(hook, 0o755);
    return { node, runnerSource, hook };
  })();
  return image;
}

/**
 * Script that makes the container: mounts of its own, then its init and the supervisor; $1 is what becomes /tmp.
 * The shell after setpriv is there for its exec: setpriv's own still has root's capabilities, for which the execute-only node
 * is readable, and the kernel would leave its memory open.
 */
const ENTER = (uid: number, before: string, init: string) => `
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
if [ -d /dev/mqueue ]; then mount -t mqueue mqueue /dev/mqueue; fi
mount --bind "$1" /tmp
shift
${before}
exec ${init} setpriv --reuid=${uid} --regid=${SHARED_GID} --clear-groups --no-new-privs \
  --inh-caps=-all --bounding-set=-all sh -c 'exec "$@"' sh "$@"`;

/** The runner container of a Pod: namespaces for processes, mounts and IPC, an init, and the supervisor as a user of its own. */
export class RunnerContainer {
  readonly home: string;
  readonly runnerHome: string;
  readonly temporary: string;

  private constructor(
    readonly program: Program,
    directory: string,
  ) {
    this.home = join(directory, "home");
    this.runnerHome = join(directory, "runner");
    this.temporary = join(directory, "tmp");
  }

  static start(world: World, env: Record<string, string> = {}): Promise<RunnerContainer> {
    return RunnerContainer.launch(world, env, ENTER(RUNNER_UID, "", "tini -s --"));
  }

  /** A container that is wrong: as another user, with a process that is there before, or without its init. */
  static startWith(world: World, uid: number, before = "", init = "tini -s --"): Promise<RunnerContainer> {
    return RunnerContainer.launch(world, {}, ENTER(uid, before, init));
  }

  private static async launch(
    world: World,
    env: Record<string, string>,
    enter: string,
  ): Promise<RunnerContainer> {
    const { node, runnerSource, hook } = await imageFiles();
    const [home, runnerHome, temporary] = ["home", "runner", "tmp"].map((name) => {
      const path = openDirectory(join(world.directory, name));
      // As the kubelet leaves an emptyDir: root's, writable through the group.
      chownSync(path, 0, SHARED_GID);
      chmodSync(path, 0o2777);
      return path;
    }) as [string, string, string];
    const program = new Program(
      "unshare",
      [
        ...["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--ipc", "--"],
        ...["sh", "-c", enter, "enter", temporary, node, join(await bundles(), "supervisor.js")],
      ],
      {
        PATH: process.env.PATH,
        HOME: home,
        LEASE_SOCKET: world.leaseSocket,
        RUNNER_SOURCE: runnerSource,
        RUNNER_HOME: runnerHome,
        WORK_DIRS: [runnerHome, home, "/tmp", "/dev/shm"].join(":"),
        DIGDAG_ENDPOINT: world.digdag.url,
        MAX_JOB_MINUTES: "60",
        JOB_STARTED_HOOK: hook,
        ...env,
      },
    );
    return new RunnerContainer(program, world.directory);
  }

  /** SIGTERM to process 1, as the kubelet sends it. */
  async terminate(): Promise<void> {
    process.kill(await this.init(), "SIGTERM");
  }

  /** Ends the container with everything in it, if it still runs. */
  async close(): Promise<void> {
    await this.program.kill();
  }

  private async init(): Promise<number> {
    const { pid } = this.program.child;
    return until("process 1 of the container", () => {
      const file = `/proc/${pid}/task/${pid}/children`;
      const child = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
      return child !== "" && readFileSync(`/proc/${child}/comm`, "utf8").trim() === "tini" && Number(child);
    });
  }
}
