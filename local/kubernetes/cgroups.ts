import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupRoot } from "./config";

const mountPoint = "/sys/fs/cgroup";

/** The root of every control group hierarchy: one with version 2, one for each controller with version 1. */
export function hierarchies(): string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, path, type]) => path?.startsWith(mountPoint) && (type === "cgroup" || type === "cgroup2"));
  return mounts.map(([, path]) => path as string);
}

/** Makes the control group that holds the local system's containers. */
export function makeCgroup(): void {
  for (const hierarchy of hierarchies()) {
    const directory = join(hierarchy, cgroupRoot);
    mkdirSync(directory, { recursive: true });
    // Version 2 gives a group the controllers that its parent names; version 1 has no such file.
    const controllers = join(directory, "cgroup.controllers");
    if (!existsSync(controllers)) continue;
    const names = readFileSync(controllers, "utf8").trim().split(" ").filter(Boolean);
    if (names.length > 0) {
      writeFileSync(join(directory, "cgroup.subtree_control"), names.map((name) => `+${name}`).join(" "));
    }
  }
}

function* bottomUp(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) yield* bottomUp(join(directory, entry.name));
  }
  yield directory;
}

/** Control groups of the local system, each before the one that holds it. */
function cgroups(): string[] {
  return hierarchies()
    .map((hierarchy) => join(hierarchy, cgroupRoot))
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => [...bottomUp(directory)]);
}

/** Ids of all processes in the local system's control groups, which are its containers' processes. */
export function cgroupProcesses(): number[] {
  const pids = cgroups().flatMap((directory) => {
    const file = join(directory, "cgroup.procs");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number) : [];
  });
  return [...new Set(pids)].filter((pid) => pid > 0);
}

/**
 * Removes the local system's control groups.
 * @returns false when one still holds a process
 */
export function removeCgroups(): boolean {
  let removed = true;
  for (const directory of cgroups()) {
    try {
      rmdirSync(directory);
    } catch {
      removed = false;
    }
  }
  return removed;
}
