import { join } from "node:path";
import { stateDir } from "../lib/paths";

const directory = join(stateDir, "kubernetes");

/** Files and directories of the node; all of them below the local system's state directory. */
export const paths = {
  directory,
  /** What people and programs of the local system use. */
  kubeconfig: join(stateDir, "kubeconfig"),
  tokens: join(directory, "tokens.csv"),
  serviceAccountKey: join(directory, "service-account.key"),
  etcd: join(directory, "etcd"),
  kubelet: join(directory, "kubelet"),
  kubeletConfig: join(directory, "kubelet.yaml"),
  podLogs: join(directory, "pod-logs"),
  networkConfigs: join(directory, "cni"),
  /** Addresses handed out to Pods. */
  addresses: join(directory, "pod-addresses"),
  /** Kernel settings as they were before the kubelet changed them. */
  kernelSettings: join(directory, "kernel-settings.json"),
  containerd: join(stateDir, "containerd"),
  containerdConfig: join(stateDir, "containerd", "config.toml"),
  containerdSocket: join(stateDir, "run", "containerd.sock"),
  registryHosts: join(stateDir, "containerd", "hosts"),
  /** kubeconfig of a component. */
  kubeconfigOf: (component: string) => join(directory, `${component}.kubeconfig`),
} as const;
