import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stateDir } from "../lib/paths";
import { run } from "../lib/run";
import { cgroupProcesses, removeCgroups } from "./cgroups";
import { paths } from "./paths";

/** Mount points below a directory in the text of /proc/self/mountinfo, each before the one it is mounted in. */
export function mountPointsBelow(directory: string, mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
}

async function unmountAll(): Promise<void> {
  const mounts = mountPointsBelow(stateDir, readFileSync("/proc/self/mountinfo", "utf8"));
  for (const path of mounts) await run("umount", ["--lazy", path], { allowFailure: true });
}

/** Shims outlive containerd on purpose; ours have the socket of our containerd among their arguments. */
function shims(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return command[0]?.includes("containerd-shim") && command.includes(paths.containerdSocket);
      } catch {
        return false; // it has just ended
      }
    })
    .map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function endContainers(): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    for (const pid of [...shims(), ...cgroupProcesses()]) kill(pid);
    if (removeCgroups() && shims().length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(
        `containers of the local system did not end; processes: ${[...shims(), ...cgroupProcesses()].join(", ")}`,
      );
    }
    await sleep(100);
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // not there, or it holds what is not ours
  }
}

/** Directories that containerd, the kubelet and Docker make at fixed places, each before the one that holds it. */
const fixedDirectories = [
  "/var/log/containers",
  "/var/lib/cni/results",
  "/var/lib/cni/cache",
  "/var/lib/cni",
  "/var/lib/kubelet/device-plugins",
  "/var/lib/kubelet",
  "/run/containerd/s",
  "/run/containerd",
  "/run/docker/plugins",
  "/run/docker",
];

/** Links to the logs of our Pods, which the kubelet keeps at a fixed place. */
function removeLogLinks(): void {
  const logs = "/var/log/containers";
  for (const name of existsSync(logs) ? readdirSync(logs) : []) {
    const link = join(logs, name);
    if (lstatSync(link).isSymbolicLink() && readlinkSync(link).startsWith(`${paths.podLogs}/`)) rmSync(link);
  }
}

/** What the CNI library remembers of our sandboxes; each file names the sandbox's network namespace, below our state. */
function removeNetworkResults(): void {
  const results = "/var/lib/cni/results";
  for (const name of existsSync(results) ? readdirSync(results) : []) {
    const file = join(results, name);
    if (readFileSync(file, "utf8").includes(`${paths.containerd}/`)) rmSync(file);
  }
}

/** The socket that a kubelet that was killed leaves at a fixed place, unless another kubelet listens on it. */
function removeKubeletSocket(): void {
  const socket = "/var/lib/kubelet/device-plugins/kubelet.sock";
  if (!readFileSync("/proc/net/unix", "utf8").includes(` ${socket}\n`)) rmSync(socket, { force: true });
}

/** Sockets of shims that were killed. Each shim's directory says which one is its. */
function removeShimSockets(): void {
  const tasks = join(paths.containerd, "state", "io.containerd.runtime.v2.task");
  const files = existsSync(tasks) ? readdirSync(tasks, { recursive: true, encoding: "utf8" }) : [];
  for (const file of files.filter((name) => /^[^/]+\/[^/]+\/address$/.test(name))) {
    const socket = readFileSync(join(tasks, file), "utf8").trim().replace("unix://", "");
    if (socket.startsWith("/run/containerd/s/")) rmSync(socket, { force: true });
  }
}

/** Ends what is left of containers, after the daemons that ran them, and removes their mounts and control groups. */
export async function sweep(): Promise<void> {
  await endContainers();
  await unmountAll();
  removeLogLinks();
  removeNetworkResults();
  removeShimSockets();
  removeKubeletSocket();
  for (const directory of fixedDirectories) removeIfEmpty(directory);
}
