import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../engine/lock";
import { pullToNode, registryAddress } from "../kubernetes/containerd";
import { cacheDir, stateDir } from "../lib/paths";
import { type Report, run } from "../lib/run";
import { docker } from "./daemon";
import { copyImage, isInRegistry, registryStorage } from "./registry";
import { emptied, makeRootfs, type PackageSource, packageSource, packages, suite } from "./rootfs";

const repository = "base";

/** Names what a base image is made of, and when: within a month the same, later one with Debian's newer packages. */
export function baseKey(source: PackageSource, now: Date): string {
  const parts = [
    suite,
    process.arch,
    packages,
    emptied,
    source,
    now.toISOString().slice(0, "2026-01".length),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}

async function make(image: string, source: PackageSource, report: Report): Promise<void> {
  const directory = join(stateDir, "base-rootfs"); // here `npm stop` finds what debootstrap mounted and left
  const archive = `${directory}.tar`;
  try {
    const debs = join(cacheDir, "debs");
    await makeRootfs({ directory, debs, source, report });
    rmSync(debs, { recursive: true });
    report("importing the root file system");
    await run("tar", ["--create", `--file=${archive}`, `--directory=${directory}`, "--one-file-system", "."]);
    await docker(["import", "--change", 'CMD ["/bin/bash"]', archive, image]);
    report("compressing the base image");
    await docker(["push", image]);
  } finally {
    rmSync(archive, { force: true });
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Has the base image in the registry, from the cache or made anew. */
async function ensureInRegistry(
  image: string,
  tag: string,
  source: PackageSource,
  report: Report,
): Promise<void> {
  if (await isInRegistry(repository, tag)) return;
  const cached = join(cacheDir, "base-image", tag);
  const wait = () => report("waiting for another process that makes the base image");
  await withLock(`base-image-${tag}`, wait, async () => {
    if (existsSync(cached)) {
      report("base image from the cache");
      await run("cp", ["--archive", `${cached}/.`, registryStorage]);
      return;
    }
    await make(image, source, report);
    const unfinished = `${cached}.part`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    await copyImage(repository, tag, unfinished);
    renameSync(unfinished, cached);
  });
}

/**
 * A small Debian, made here because none can be pulled: a stand-in for the base image of the runner's Dockerfile. It is cached
 * in the registry's own form.
 * @returns the image's reference in the local Docker daemon
 */
export async function buildBaseImage({ report }: { report: Report }): Promise<string> {
  const source = await packageSource();
  const tag = `${suite}-${baseKey(source, new Date())}`;
  const image = `${await registryAddress()}/${repository}:${tag}`;
  await ensureInRegistry(image, tag, source, report);
  // Pulled and not just imported: the daemon then knows the compressed layer, and pushing an image made from it is
  // quick. And pulled by the node ahead of time, so that the first Pod waits for the layers above it alone.
  report("base image into the Docker daemon and the node");
  await Promise.all([docker(["pull", "--quiet", image]), pullToNode(image)]);
  return image;
}
