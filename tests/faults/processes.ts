import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hierarchies } from "../../local/kubernetes/cgroups";
import { cgroupRoot } from "../../local/kubernetes/config";
import { type Pod, statusOf } from "./cluster";

/** A process of a container, as the host sees it. */
export interface HostProcess {
  pid: number;
  /** Clock ticks since boot: tells it from a later process with the same pid. */
  startTime: string;
  /** Such as `Runner.Worker`; at most 15 characters. */
  name: string;
  command: string;
}

/** The containers of a Pod. */
export const containers = ["broker", "runner"] as const;

const qualityClasses = ["burstable", "besteffort", "."];

/** The directories of a container's control groups, one for each hierarchy; none while it does not run. */
export function controlGroups(pod: Pod, container: string): string[] {
  const id = statusOf(pod, container)?.containerID?.replace("containerd://", "");
  if (!id) return [];
  return hierarchies()
    .flatMap((hierarchy) =>
      qualityClasses.map((quality) =>
        join(hierarchy, cgroupRoot, "kubepods", quality, `pod${pod.metadata.uid}`, id),
      ),
    )
    .filter((directory) => existsSync(directory));
}

/** The living processes of a Pod's container. */
export function processesOf(pod: Pod, container: "broker" | "runner"): HostProcess[] {
  const [group] = controlGroups(pod, container);
  if (!group) return [];
  const pids = readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return pids.flatMap((pid) => describeProcess(pid) ?? []);
}

function describeProcess(pid: number): HostProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    return {
      pid,
      startTime: fields[19] as string,
      name: readFileSync(`/proc/${pid}/comm`, "utf8").trim(),
      command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim(),
    };
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** The processes that faults are aimed at. */
export const roles = {
  supervisor: { container: "runner", is: ({ command }) => /^\S*node \S*supervisor\.js/.test(command) },
  broker: { container: "broker", is: ({ command }) => /^\S*node \S*broker\.js/.test(command) },
  listener: { container: "runner", is: ({ name }) => name === "Runner.Listener" },
  worker: { container: "runner", is: ({ name }) => name === "Runner.Worker" },
} as const satisfies Record<
  string,
  { container: "broker" | "runner"; is: (process: HostProcess) => boolean }
>;

export type Role = keyof typeof roles;

/** The process with this role in a Pod, if it lives. */
export function findProcess(pod: Pod, role: Role): HostProcess | undefined {
  const { container, is } = roles[role];
  return processesOf(pod, container).find(is);
}

/**
 * Sends a signal, unless the process has ended and its number belongs to another by now.
 * @returns whether it was sent
 */
export function signal({ pid, startTime }: HostProcess, name: NodeJS.Signals): boolean {
  if (describeProcess(pid)?.startTime !== startTime) return false;
  process.kill(pid, name);
  return true;
}

/** Resident memory in bytes; undefined for a process that has ended. */
export function residentMemory({ pid }: HostProcess): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
