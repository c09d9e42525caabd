import { stringify } from "yaml";
import { bridge } from "../network/addresses";

/** Name of the node and of its kubeconfig context. */
export const nodeName = "local";

/** The registry host of the emulated AWS account, as image references name it. */
export const ecrHost = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com";

/** Control group, in every hierarchy, that holds what the local system's daemons run; removed by `npm stop`. */
export const cgroupRoot = "digdag-runner";

/** A user of the API server, with the groups the built-in roles are bound to. */
export interface User {
  name: string;
  groups: string[];
  token: string;
}

/** The API server's static token file. */
export function tokenFile(users: User[]): string {
  return users.map((user) => `${user.token},${user.name},${user.name},"${user.groups.join(",")}"\n`).join("");
}

/** A kubeconfig for one user of one API server. */
export function kubeconfig(options: { server: string; authority: string; token: string }): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: nodeName,
        cluster: {
          server: options.server,
          "certificate-authority-data": Buffer.from(options.authority).toString("base64"),
        },
      },
    ],
    users: [{ name: nodeName, user: { token: options.token } }],
    contexts: [{ name: nodeName, context: { cluster: nodeName, user: nodeName } }],
    "current-context": nodeName,
  });
}

/**
 * The Pod network: a bridge that is there already, addresses of the Pods' range, and a default route to the host.
 * The plugin is not made the bridge's gateway, since it would then switch on IP forwarding for the whole machine.
 */
export function networkConfig(addresses: string): string {
  return JSON.stringify(
    {
      cniVersion: "0.4.0",
      name: "digdag-runner",
      plugins: [
        {
          type: "bridge",
          bridge: bridge.name,
          ipam: {
            type: "host-local",
            dataDir: addresses,
            ranges: [
              [
                {
                  subnet: bridge.subnet,
                  gateway: bridge.address,
                  rangeStart: bridge.podRange.first,
                  rangeEnd: bridge.podRange.last,
                },
              ],
            ],
            routes: [{ dst: "0.0.0.0/0" }],
          },
        },
      ],
    },
    null,
    2,
  );
}

/** containerd's configuration; every path it writes to is given. */
export function containerdConfig(options: {
  directory: string;
  socket: string;
  sandboxImage: string;
  networkConfigs: string;
  registryHosts: string;
}): string {
  const quoted = (value: string) => JSON.stringify(value); // a TOML basic string
  return `version = 2
root = ${quoted(`${options.directory}/root`)}
state = ${quoted(`${options.directory}/state`)}

[grpc]
  address = ${quoted(options.socket)}

[plugins."io.containerd.internal.v1.opt"]
  path = ${quoted(`${options.directory}/opt`)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${quoted(options.sandboxImage)}
  # Without CAP_SYS_RESOURCE the kernel refuses to lower a container's OOM score, and no sandbox would start.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ${quoted(options.networkConfigs)}

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${quoted(options.registryHosts)}

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = ${quoted(`${options.directory}/runc`)}
`;
}

/** containerd's hosts.toml for a registry host that is served by another, plain HTTP one. */
export function mirrorConfig(registry: string): string {
  return `server = "http://${registry}"\n\n[host."http://${registry}"]\n  capabilities = ["pull", "resolve"]\n`;
}

/** The kubelet's configuration; every path it lets one choose is given. */
export function kubeletConfig(options: {
  containerdSocket: string;
  clientAuthority: string;
  directory: string;
  podLogs: string;
  port: number;
  healthPort: number;
}): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    // The API server reaches the kubelet at the node's address, and a node's address cannot be a loopback one.
    address: bridge.address,
    port: options.port,
    healthzBindAddress: "127.0.0.1",
    healthzPort: options.healthPort,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: options.clientAuthority },
    },
    // Whoever has a client certificate of the local authority: the API server alone.
    authorization: { mode: "AlwaysAllow" },
    containerRuntimeEndpoint: `unix://${options.containerdSocket}`,
    volumePluginDir: `${options.directory}/volume-plugins`,
    podLogsDir: options.podLogs,
    clusterDNS: [bridge.address],
    clusterDomain: "cluster.local",
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${cgroupRoot}`,
    failCgroupV1: false, // from 1.35 on the kubelet refuses cgroup v1 unless told otherwise
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    oomScoreAdj: 0,
    serializeImagePulls: false,
    podPidsLimit: 1024, // a job that forks without end must not take the machine's process ids
    imageGCHighThresholdPercent: 100, // off: a full disk of the machine is not this node's to clean
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
  });
}
