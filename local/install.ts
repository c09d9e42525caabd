import { accessSync, chmodSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Report, run } from "./lib/run";

/** A program the local system runs, and the Debian package that holds it. */
export interface Need {
  /** A name looked up on PATH, or an absolute path. */
  command: string;
  debianPackage: string;
}

/** Directories of administration programs that are not on every user's PATH. */
const systemDirectories = ["/usr/sbin", "/sbin"];

/** How long another apt or dpkg may hold its lock. */
const lockSeconds = 600;

/** Where invoke-rc.d and deb-systemd-invoke ask whether a package may start its service. */
const policyFile = "/usr/sbin/policy-rc.d";

/** The absolute path of a program, or undefined where it is not installed. */
export function findCommand(command: string, path = process.env.PATH ?? ""): string | undefined {
  const candidates = isAbsolute(command)
    ? [command]
    : [...path.split(delimiter), ...systemDirectories].filter(Boolean).map((dir) => join(dir, command));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * The absolute path of a program.
 * @throws Error when it is not installed.
 */
export function requireCommand(command: string): string {
  const found = findCommand(command);
  if (!found) throw new Error(`${command} is not installed`);
  return found;
}

/** What a person has to install by hand, in one message. */
export function missingMessage(missing: Need[]): string {
  const packages = [...new Set(missing.map((need) => need.debianPackage))].join(" ");
  return [
    "these programs are missing and can only be installed by root on Debian:",
    ...missing.map((need) => `  ${need.command} (Debian package ${need.debianPackage})`),
    `install them, on Debian or Ubuntu with: sudo apt-get install --no-install-recommends ${packages}`,
  ].join("\n");
}

async function aptGet(args: string[], report: Report): Promise<void> {
  const deadline = Date.now() + lockSeconds * 1000;
  for (;;) {
    const { code, stderr } = await run(
      "apt-get",
      ["-o", `DPkg::Lock::Timeout=${lockSeconds}`, "-q", ...args],
      {
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
        report,
        allowFailure: true,
      },
    );
    if (code === 0) return;
    // DPkg::Lock::Timeout covers the lock of dpkg alone, not the ones of the package lists and the archives.
    if (!stderr.includes("Could not get lock") || Date.now() > deadline) {
      throw new Error(`apt-get ${args.join(" ")} failed:\n${stderr.trimEnd()}`);
    }
    report("waiting for another apt to end");
    await sleep(2000);
  }
}

/**
 * Forbids packages to start their services while `work` runs: docker.io, etcd-server, containerd and docker-registry
 * would otherwise take ports, bridges and firewall rules that the local system's own processes must not clash with.
 */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  if (existsSync(policyFile)) return work(); // the administrator's own policy stays in force
  writeFileSync(policyFile, "#!/bin/sh\nexit 101\n");
  chmodSync(policyFile, 0o755);
  try {
    await work();
  } finally {
    rmSync(policyFile);
  }
}

/**
 * Installs what is missing, where this is Debian (or a derivative) and this process is root.
 * Services that the packages bring are not started.
 * @throws Error that lists everything to install by hand, where it cannot be installed from here.
 */
export async function ensurePackages(needs: Need[], { report }: { report: Report }): Promise<void> {
  const missing = needs.filter((need) => !findCommand(need.command));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !findCommand("apt-get")) throw new Error(missingMessage(missing));
  const packages = [...new Set(missing.map((need) => need.debianPackage))];
  report(`apt-get install ${packages.join(" ")}`);
  await withoutServices(async () => {
    await aptGet(["update"], report);
    await aptGet(["install", "--yes", "--no-install-recommends", ...packages], report);
  });
  const still = needs.filter((need) => !findCommand(need.command));
  if (still.length > 0) {
    throw new Error(
      `apt-get installed ${packages.join(" ")} but these programs are still missing: ${still.map((need) => need.command).join(", ")}`,
    );
  }
}
