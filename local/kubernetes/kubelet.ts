import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { portFor } from "../lib/ports";
import { startProcess } from "../lib/processes";
import type { Report } from "../lib/run";
import { bridge, reachingBridge } from "../network/addresses";
import { ensureAuthority } from "../network/certificates";
import { Api } from "./api";
import { makeCgroup } from "./cgroups";
import { kubeletConfig, nodeName } from "./config";
import { paths } from "./paths";

/** Settings of the kernel that every kubelet changes for its machine. */
const changedSettings = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
].map((name) => `/proc/sys/${name}`);

function rememberKernelSettings(): void {
  if (existsSync(paths.kernelSettings)) return;
  const settings = changedSettings
    .filter(existsSync)
    .map((file) => [file, readFileSync(file, "utf8").trim()]);
  writeFileSync(paths.kernelSettings, JSON.stringify(Object.fromEntries(settings)));
}

/** Gives the kernel back the settings it had before the kubelet ran. */
export function restoreKernelSettings(): void {
  if (!existsSync(paths.kernelSettings)) return;
  const settings = JSON.parse(readFileSync(paths.kernelSettings, "utf8")) as Record<string, string>;
  for (const [file, value] of Object.entries(settings)) {
    if (readFileSync(file, "utf8").trim() !== value) writeFileSync(file, value);
  }
}

interface Node {
  spec: { taints?: { key: string }[] };
  status: { conditions?: { type: string; status: string; message: string }[] };
}

/** Why Pods cannot be scheduled on the node, or undefined when they can. */
export function whyNotReady(node: Node): string | undefined {
  const ready = node.status.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status !== "True") return ready?.message ?? "the kubelet has not reported yet";
  const taint = node.spec.taints?.[0];
  return taint && `it still has the taint ${taint.key}`;
}

async function waitForNode(report: Report): Promise<void> {
  const api = new Api(paths.kubeconfig);
  const deadline = Date.now() + 120_000;
  for (let reason: string | undefined; ; ) {
    const why = await api
      .call("GET", `/api/v1/nodes/${nodeName}`)
      .then((text) => whyNotReady(JSON.parse(text) as Node))
      .catch((error: Error) => error.message);
    if (!why) return;
    if (why !== reason) report(`node not ready: ${why}`);
    reason = why;
    if (Date.now() > deadline) throw new Error(`the Kubernetes node is not ready after 120 s: ${why}`);
    await sleep(250);
  }
}

/** Starts the kubelet; done when Pods can be scheduled on the node. */
export async function startKubelet(options: { kubernetes: string; report: Report }): Promise<void> {
  const healthPort = await portFor("kubelet-health", 10248);
  mkdirSync(paths.kubelet, { recursive: true });
  mkdirSync(paths.podLogs, { recursive: true });
  const configuration = kubeletConfig({
    containerdSocket: paths.containerdSocket,
    clientAuthority: (await ensureAuthority()).certificate,
    directory: paths.kubelet,
    podLogs: paths.podLogs,
    port: await portFor("kubelet", 10250),
    healthPort,
  });
  writeFileSync(paths.kubeletConfig, configuration);
  rememberKernelSettings();
  makeCgroup();
  options.report("kubelet");
  await startProcess(
    "kubelet",
    options.kubernetes,
    [
      "kubelet",
      `--config=${paths.kubeletConfig}`,
      `--kubeconfig=${paths.kubeconfigOf("kubelet")}`,
      `--root-dir=${paths.kubelet}`,
      `--cert-dir=${paths.kubelet}/pki`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${bridge.address}`,
    ],
    {
      configuration,
      env: reachingBridge(process.env),
      ready: async () => (await fetch(`http://127.0.0.1:${healthPort}/healthz`)).ok,
    },
  );
  await waitForNode(options.report);
}
