import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findCommand, requireCommand } from "../install";
import { cgroupRoot } from "../kubernetes/config";
import { startContainerd } from "../kubernetes/containerd";
import { paths as node } from "../kubernetes/paths";
import { stateDir } from "../lib/paths";
import { startProcess, stopProcess } from "../lib/processes";
import { type Report, type RunOptions, type RunResult, run } from "../lib/run";

const directory = join(stateDir, "docker");
const socket = join(stateDir, "run", "docker.sock");

/** Docker 20.10 makes a key at this place whatever its flags say. */
const machineKey = "/etc/docker/key.json";

/** Says that there was no such key before ours. */
const keyIsOurs = join(directory, "made-machine-key");

/** Environment in which the Docker client speaks to our daemon, whatever the person's own settings are. */
export function dockerEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("DOCKER_"));
  return {
    ...Object.fromEntries(inherited),
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_CONFIG: join(stateDir, "docker-config"),
    DOCKER_BUILDKIT: "1",
  };
}

/**
 * Debian's own client where there is one: it builds with BuildKit by itself. A newer one without the buildx
 * plugin, which may come first on PATH, does not.
 */
function dockerClient(): string {
  return findCommand("/usr/bin/docker") ?? requireCommand("docker");
}

/** Runs the Docker client against our daemon. */
export function docker(args: string[], options: Omit<RunOptions, "env"> = {}): Promise<RunResult> {
  return run(dockerClient(), args, { ...options, env: dockerEnvironment() });
}

/**
 * Starts a Docker daemon of our own beside any that is there. It has no network of its own, so that it takes no
 * bridge and changes no firewall rule: builds run with `--network=host`.
 */
export async function startDocker({ report }: { report: Report }): Promise<void> {
  await startContainerd({ report });
  mkdirSync(directory, { recursive: true });
  if (!existsSync(machineKey)) writeFileSync(keyIsOurs, "");
  // The machine's /etc/docker/daemon.json is for the machine's daemon.
  const config = join(directory, "daemon.json");
  writeFileSync(config, "{}\n");
  report("dockerd");
  await startProcess(
    "dockerd",
    requireCommand("dockerd"),
    [
      `--config-file=${config}`,
      `--host=unix://${socket}`,
      `--data-root=${join(directory, "data")}`,
      `--exec-root=${join(directory, "run")}`,
      `--pidfile=${join(stateDir, "run", "dockerd.pid")}`,
      `--containerd=${node.containerdSocket}`,
      `--cgroup-parent=/${cgroupRoot}/docker`,
      "--bridge=none",
      "--iptables=false",
      "--ip6tables=false",
      "--ip-forward=false",
      "--ip-masq=false",
      "--oom-score-adjust=0",
    ],
    { ready: async () => (await docker(["version"], { allowFailure: true })).code === 0 },
  );
}

/** Ends the Docker daemon and the registry. */
export async function stopDocker(): Promise<void> {
  await stopProcess("dockerd", { seconds: 20 });
  if (existsSync(keyIsOurs)) rmSync(machineKey, { force: true });
  await stopProcess("registry");
}
