import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { requireCommand } from "../install";
import { registryAddress } from "../kubernetes/containerd";
import { stateDir } from "../lib/paths";
import { startProcess } from "../lib/processes";
import { type Report, run } from "../lib/run";

const directory = join(stateDir, "registry");

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** Where the registry keeps its images. */
export const registryStorage = join(directory, "storage");

/** Configuration of a registry on a loopback address that keeps its images below `storage`. */
export function registryConfig(address: string, storage: string): string {
  return stringify({
    version: "0.1",
    log: { level: "warn" },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: address },
  });
}

/** Starts the image registry that stands in for ECR's storage: plain HTTP, on loopback, without authentication. */
export async function startRegistry({ report }: { report: Report }): Promise<void> {
  const address = await registryAddress();
  mkdirSync(registryStorage, { recursive: true });
  const file = join(directory, "config.yml");
  const configuration = registryConfig(address, registryStorage);
  writeFileSync(file, configuration);
  report(`registry on ${address}`);
  await startProcess("registry", requireCommand("docker-registry"), ["serve", file], {
    configuration,
    ready: async () => (await fetch(`http://${address}/v2/`)).ok,
    readySeconds: 20,
  });
}

/** Whether the registry holds `name:tag`. */
export async function isInRegistry(repository: string, tag: string): Promise<boolean> {
  const response = await fetch(`http://${await registryAddress()}/v2/${repository}/manifests/${tag}`, {
    method: "HEAD",
    headers: { accept: manifestType },
  });
  return response.ok;
}

interface Manifest {
  config: { digest: string };
  layers: { digest: string }[];
}

/** Copies all that makes up `repository:tag` from the registry's storage to a directory of the same layout. */
export async function copyImage(repository: string, tag: string, directory: string): Promise<void> {
  const response = await fetch(`http://${await registryAddress()}/v2/${repository}/manifests/${tag}`, {
    headers: { accept: manifestType },
  });
  if (!response.ok)
    throw new Error(`the local registry has no ${repository}:${tag} (HTTP ${response.status})`);
  const manifest = (await response.json()) as Manifest;
  const digests = [
    response.headers.get("docker-content-digest"),
    manifest.config.digest,
    ...manifest.layers.map(({ digest }) => digest),
  ];
  const root = "docker/registry/v2";
  const blobs = digests.map((digest) => {
    const hex = digest?.replace("sha256:", "") ?? "";
    return `${root}/blobs/sha256/${hex.slice(0, 2)}/${hex}`;
  });
  await run("cp", ["--archive", "--parents", `${root}/repositories/${repository}`, ...blobs, directory], {
    cwd: registryStorage,
  });
}
