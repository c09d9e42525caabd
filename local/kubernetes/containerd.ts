import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requireCommand } from "../install";
import { portFor } from "../lib/ports";
import { startProcess } from "../lib/processes";
import { type Report, type RunResult, run } from "../lib/run";
import { containerdConfig, ecrHost, mirrorConfig, networkConfig } from "./config";
import { paths } from "./paths";

/** `host:port` of the local registry. */
export async function registryAddress(): Promise<string> {
  return `127.0.0.1:${await portFor("registry", 5001)}`;
}

/** The reference under which the Pod sandbox image is in the local registry. */
export async function sandboxImage(): Promise<string> {
  return `${await registryAddress()}/pause:1`;
}

function ctr(args: string[], allowFailure = false): Promise<RunResult> {
  return run(requireCommand("ctr"), ["--address", paths.containerdSocket, ...args], { allowFailure });
}

/** Pulls an image of the local registry for the kubelet, before a Pod needs it. */
export async function pullToNode(reference: string): Promise<void> {
  await ctr(["--namespace", "k8s.io", "images", "pull", "--plain-http", reference]);
}

function writeHosts(host: string, registry: string): void {
  mkdirSync(join(paths.registryHosts, host), { recursive: true });
  writeFileSync(join(paths.registryHosts, host, "hosts.toml"), mirrorConfig(registry));
}

/**
 * Starts a containerd of our own, for the kubelet and for the Docker daemon. Image references of the emulated
 * account's ECR are pulled from the local registry.
 */
export async function startContainerd({ report }: { report: Report }): Promise<void> {
  const registry = await registryAddress();
  writeHosts(ecrHost, registry);
  writeHosts(registry, registry);
  mkdirSync(paths.networkConfigs, { recursive: true });
  writeFileSync(join(paths.networkConfigs, "10-bridge.conflist"), networkConfig(paths.addresses));
  const configuration = containerdConfig({
    directory: paths.containerd,
    socket: paths.containerdSocket,
    sandboxImage: await sandboxImage(),
    networkConfigs: paths.networkConfigs,
    registryHosts: paths.registryHosts,
  });
  writeFileSync(paths.containerdConfig, configuration);
  report("containerd");
  await startProcess("containerd", requireCommand("containerd"), ["--config", paths.containerdConfig], {
    configuration,
    ready: async () => (await ctr(["version"], true)).code === 0,
    readySeconds: 30,
  });
}
