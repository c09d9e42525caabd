import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { versionFlags } from "../../../local/kubernetes/build";
import { mountPointsBelow } from "../../../local/kubernetes/cleanup";
import {
  containerdConfig,
  kubeconfig,
  kubeletConfig,
  mirrorConfig,
  networkConfig,
  tokenFile,
} from "../../../local/kubernetes/config";
import { restrictToContext } from "../../../local/kubernetes/context";
import { whyNotReady } from "../../../local/kubernetes/kubelet";
import { root } from "../../../local/lib/paths";

const state = "/srv/state";

describe("configuration of the local Kubernetes", () => {
  const kubelet = parse(
    kubeletConfig({
      containerdSocket: `${state}/containerd.sock`,
      clientAuthority: `${state}/ca.crt`,
      directory: `${state}/kubelet`,
      podLogs: `${state}/pod-logs`,
      port: 10250,
      healthPort: 10248,
    }),
  );

  it("has a kubelet that answers nobody without a client certificate", () => {
    assert.deepEqual(kubelet.authentication, {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: `${state}/ca.crt` },
    });
    assert.ok(!("readOnlyPort" in kubelet));
  });

  it("has a kubelet that leaves the machine's firewall and its fixed directories alone", () => {
    assert.equal(kubelet.makeIPTablesUtilChains, false);
    assert.equal(kubelet.cgroupRoot, "/digdag-runner");
    for (const key of ["volumePluginDir", "podLogsDir"]) assert.ok(kubelet[key].startsWith(`${state}/`), key);
  });

  it("has a kubelet that limits the processes of a Pod", () => {
    assert.equal(kubelet.podPidsLimit, 1024);
  });

  it("gives Pods the DNS server and the address range of the bridge", () => {
    assert.deepEqual(kubelet.clusterDNS, ["10.88.0.1"]);
    const [plugin] = JSON.parse(networkConfig(`${state}/addresses`)).plugins;
    assert.deepEqual(plugin.ipam.ranges, [
      [{ subnet: "10.88.0.0/24", gateway: "10.88.0.1", rangeStart: "10.88.0.64", rangeEnd: "10.88.0.254" }],
    ]);
  });

  it("does not make the CNI plugin switch on IP forwarding or masquerading", () => {
    const [plugin] = JSON.parse(networkConfig(`${state}/addresses`)).plugins;
    assert.ok(!plugin.isGateway && !plugin.isDefaultGateway && !plugin.ipMasq);
  });

  it("lets containerd write below the given directory alone", () => {
    const config = containerdConfig({
      directory: `${state}/containerd`,
      socket: `${state}/containerd.sock`,
      sandboxImage: "127.0.0.1:5001/pause:1",
      networkConfigs: `${state}/cni`,
      registryHosts: `${state}/hosts`,
    });
    const paths = [...config.matchAll(/= "(\/[^"]*)"/g)].map(([, path]) => path as string);
    assert.ok(paths.length >= 6, config);
    assert.deepEqual(
      paths.filter((path) => !path.startsWith(`${state}/`)),
      ["/usr/lib/cni"],
    );
  });

  it("quotes paths for containerd, whatever the checkout is called", () => {
    const directory = '/srv/a "b" \\c';
    const config = containerdConfig({
      directory,
      socket: "",
      sandboxImage: "",
      networkConfigs: "",
      registryHosts: "",
    });
    assert.ok(config.includes('root = "/srv/a \\"b\\" \\\\c/root"'), config);
  });

  it("pulls from the mirror and never from the registry it stands for", () => {
    const config = mirrorConfig("127.0.0.1:5001");
    assert.match(config, /^server = "http:\/\/127\.0\.0\.1:5001"$/m);
    assert.match(config, /^\[host\."http:\/\/127\.0\.0\.1:5001"\]$/m);
  });

  it("gives each component a user of its own with a token of its own", () => {
    const text = tokenFile([
      { name: "admin", groups: ["system:masters"], token: "t1" },
      { name: "system:node:local", groups: ["system:nodes", "extra"], token: "t2" },
    ]);
    assert.equal(
      text,
      't1,admin,admin,"system:masters"\nt2,system:node:local,system:node:local,"system:nodes,extra"\n',
    );
  });

  it("writes a kubeconfig that verifies the API server", () => {
    const config = parse(kubeconfig({ server: "https://127.0.0.1:6443", authority: "PEM", token: "t" }));
    const [{ cluster }] = config.clusters;
    assert.equal(Buffer.from(cluster["certificate-authority-data"], "base64").toString(), "PEM");
    assert.ok(!("insecure-skip-tls-verify" in cluster));
    assert.equal(config["current-context"], config.contexts[0].name);
  });
});

describe("local Kubernetes", () => {
  it("says its version as go.mod requires it", () => {
    const flags = versionFlags(readFileSync(join(root, "local/kubernetes/source/go.mod"), "utf8"));
    assert.match(flags, /component-base\/version\.gitVersion=v1\.\d+\.\d+ .*gitMajor=1 .*gitMinor=\d+$/);
    assert.throws(() => versionFlags("module x\n"), /requires no version/);
  });

  it("is ready only when the kubelet says so and Pods may be scheduled", () => {
    const ready = { type: "Ready", status: "True", message: "" };
    const taints = [{ key: "node.kubernetes.io/not-ready" }];
    assert.match(whyNotReady({ spec: {}, status: {} }) ?? "", /not reported/);
    assert.equal(
      whyNotReady({
        spec: {},
        status: { conditions: [{ ...ready, status: "False", message: "no network" }] },
      }),
      "no network",
    );
    assert.match(whyNotReady({ spec: { taints }, status: { conditions: [ready] } }) ?? "", /not-ready/);
    assert.equal(whyNotReady({ spec: {}, status: { conditions: [ready] } }), undefined);
  });

  it("unmounts what is below its directory and nothing else, inner mounts first", () => {
    const mountinfo = [
      "22 1 254:0 / / rw - ext4 /dev/vda rw",
      "30 22 0:30 / /srv/state/pods/a rw - tmpfs tmpfs rw",
      "31 30 0:31 / /srv/state/pods/a/b\\040c rw - tmpfs tmpfs rw",
      "32 22 0:32 / /srv/state-other rw - tmpfs tmpfs rw",
      "",
    ].join("\n");
    assert.deepEqual(mountPointsBelow(state, mountinfo), ["/srv/state/pods/a/b c", "/srv/state/pods/a"]);
  });
});

describe("a Kubernetes context that is there already", () => {
  const kubeconfigText = `
current-context: production
clusters:
- {name: kind, cluster: {server: "https://127.0.0.1:1", certificate-authority: ca.crt}}
- {name: production, cluster: {server: "https://production"}}
users:
- {name: kind, user: {client-certificate-data: QQ==, client-key: /abs/key}}
- {name: production, user: {token: production-token}}
contexts:
- {name: kind, context: {cluster: kind, user: kind}}
- {name: production, context: {cluster: production, user: production}}
`;
  const files = [{ path: "/home/me/.kube/config", text: kubeconfigText }];

  it("is copied without any other cluster, user or context", () => {
    const text = restrictToContext("kind", files);
    assert.doesNotMatch(text, /production/);
    const config = parse(text);
    assert.equal(config["current-context"], "kind");
    for (const kind of ["clusters", "users", "contexts"]) assert.equal(config[kind].length, 1, kind);
  });

  it("keeps pointing at its files from another directory", () => {
    const config = parse(restrictToContext("kind", files));
    assert.equal(config.clusters[0].cluster["certificate-authority"], "/home/me/.kube/ca.crt");
    assert.equal(config.users[0].user["client-key"], "/abs/key");
  });

  it("is refused with the names there are when it does not exist", () => {
    assert.throws(
      () => restrictToContext("k3d", files),
      /"k3d".*\/home\/me\/\.kube\/config: kind, production/,
    );
    assert.throws(() => restrictToContext("k3d", []), /no kubeconfig: none/);
  });

  it("comes from the first file that has it, as with kubectl", () => {
    const other = { path: "/other", text: kubeconfigText.replace("https://127.0.0.1:1", "https://second") };
    const config = parse(restrictToContext("kind", [...files, other]));
    assert.equal(config.clusters[0].cluster.server, "https://127.0.0.1:1");
  });
});
