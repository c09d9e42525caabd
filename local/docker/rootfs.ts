import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findCommand, requireCommand } from "../install";
import { type Report, run } from "../lib/run";

/** Debian release of the base image. */
export const suite = "bookworm";

/** What the runner's Dockerfile installs: in the base image already, so that each image build finds it there. */
export const packages = [
  "ca-certificates",
  "curl",
  "git",
  "libicu72",
  "libkrb5-3",
  "liblttng-ust1",
  "libssl3",
  "libstdc++6",
  "openjdk-17-jre-headless",
  "tini",
];

/** Emptied in the end: caches, and what Debian's slim images leave out as well. */
export const emptied = [
  "usr/share/doc",
  "usr/share/info",
  "usr/share/locale",
  "usr/share/man",
  "var/cache/apt/archives",
  "var/lib/apt/lists",
  "var/log",
];

/** How this machine reaches Debian's packages. */
export interface PackageSource {
  /** Not set: debootstrap's own default, where the machine's sources name no mirror of the release. */
  mirror?: string;
  /** Proxy that apt is configured to use. */
  proxy?: string;
}

/** The mirror in lines `URI CODENAME ORIGIN COMPONENT` of `apt-get indextargets`. */
export function mirrorOf(targets: string): string | undefined {
  const lines = targets.split("\n").map((line) => line.split(" "));
  const line = lines.find(
    ([, codename, origin, component]) => codename === suite && origin === "Debian" && component === "main",
  );
  return line?.[0]?.replace(/\/$/, "");
}

/** Reads the machine's apt configuration, where it has one. */
export async function packageSource(): Promise<PackageSource> {
  if (!findCommand("apt-get")) return {};
  const format = "$(REPO_URI) $(CODENAME) $(ORIGIN) $(COMPONENT)";
  const targets = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const { stdout } = await run("apt-config", ["shell", "proxy", "Acquire::http::Proxy"]);
  const proxy = /^proxy='(.+)'$/m.exec(stdout)?.[1];
  const mirror = mirrorOf(targets.stdout);
  return { ...(mirror && { mirror }), ...(proxy && { proxy }) };
}

/**
 * Makes a root file system of a small Debian with debootstrap.
 * @param options.directory where to; replaced when there is an unfinished one
 * @param options.debs cache of downloaded packages, which an interrupted run goes on from
 */
export async function makeRootfs(options: {
  directory: string;
  debs: string;
  source: PackageSource;
  report: Report;
}): Promise<void> {
  const { directory, debs, source, report } = options;
  rmSync(directory, { recursive: true, force: true });
  const dpkgConfig = join(directory, "etc", "dpkg", "dpkg.cfg.d");
  mkdirSync(dpkgConfig, { recursive: true });
  mkdirSync(debs, { recursive: true });
  writeFileSync(join(dpkgConfig, "container"), "force-unsafe-io\n"); // as in Debian's own: no fsync for each file
  await run(
    requireCommand("debootstrap"),
    [
      "--variant=minbase",
      `--include=${packages.join(",")}`,
      `--cache-dir=${debs}`,
      suite,
      directory,
      ...(source.mirror ? [source.mirror] : []),
    ],
    { env: { ...process.env, ...(source.proxy && { http_proxy: source.proxy }) }, report },
  );
  if (source.proxy) {
    const line = `Acquire::http::Proxy "${source.proxy}";\n`;
    writeFileSync(join(directory, "etc", "apt", "apt.conf.d", "80proxy"), line);
  }
  for (const path of emptied) {
    rmSync(join(directory, path), { recursive: true, force: true });
    mkdirSync(join(directory, path));
  }
}
