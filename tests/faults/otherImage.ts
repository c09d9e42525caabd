import { docker } from "../../local/docker/daemon";
import { ecrHost, registryAddress } from "../../local/kubernetes";
import { imageUnderTest } from "./pool";

const repository = "digdag-runner-faults";

let made: Promise<string> | undefined;

/**
 * The image under test with one more label, so under another digest: what a roll-out brings. Made at its first use.
 * @returns a reference that the node can pull
 */
export function otherImage(): Promise<string> {
  made ??= build();
  return made;
}

async function build(): Promise<string> {
  const registry = await registryAddress();
  const base = (await imageUnderTest()).replace(ecrHost, registry);
  const tag = `${registry}/${repository}:other`;
  const input = `FROM ${base}\nLABEL ${repository}="other"\n`;
  await docker(["build", "--tag", tag, "-"], { input });
  await docker(["push", tag]);
  const { stdout } = await docker(["inspect", "--format", '{{join .RepoDigests "\\n"}}', tag]);
  const digest = stdout.split("\n").find((line) => line.startsWith(`${registry}/${repository}@`));
  if (!digest) throw new Error(`the registry gave ${tag} no digest`);
  return digest.trim().replace(registry, ecrHost);
}

/** Removes it from Docker and the registry; the node keeps its layers, which it shares with the image under test. */
export async function removeOtherImage(): Promise<void> {
  const registry = await registryAddress();
  await docker(["image", "rm", "--force", `${registry}/${repository}:other`], { allowFailure: true });
  const url = `http://${registry}/v2/${repository}/manifests`;
  const accept = "application/vnd.docker.distribution.manifest.v2+json";
  const found = await fetch(`${url}/other`, { method: "HEAD", headers: { accept } });
  const digest = found.headers.get("docker-content-digest");
  if (found.ok && digest) await fetch(`${url}/${digest}`, { method: "DELETE" });
}
