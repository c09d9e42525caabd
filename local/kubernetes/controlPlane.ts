import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { requireCommand } from "../install";
import { portFor } from "../lib/ports";
import { startProcess } from "../lib/processes";
import type { Report } from "../lib/run";
import { reachingBridge, serverAddresses, serviceRange } from "../network/addresses";
import { ensureAuthority, ensureCertificate } from "../network/certificates";
import { Api } from "./api";
import { kubeconfig, nodeName, tokenFile, type User } from "./config";
import { paths } from "./paths";

/** Users whom the API server's built-in roles give just what their component needs, and the administrator. */
const users: Record<string, Omit<User, "token">> = {
  admin: { name: "admin", groups: ["system:masters"] },
  kubelet: { name: `system:node:${nodeName}`, groups: ["system:nodes"] },
  "kube-controller-manager": { name: "system:kube-controller-manager", groups: [] },
  "kube-scheduler": { name: "system:kube-scheduler", groups: [] },
};

const secretFile = { mode: 0o600 };

const env = reachingBridge(process.env);

async function writeCredentials(server: string): Promise<void> {
  mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
  if (!existsSync(paths.serviceAccountKey)) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(paths.serviceAccountKey, privateKey.export({ type: "pkcs1", format: "pem" }), secretFile);
  }
  if (existsSync(paths.tokens)) return;
  const authority = readFileSync((await ensureAuthority()).certificate, "utf8");
  const withTokens = Object.entries(users).map(([component, user]) => ({
    component,
    user: { ...user, token: randomBytes(24).toString("hex") },
  }));
  for (const { component, user } of withTokens) {
    const file = component === "admin" ? paths.kubeconfig : paths.kubeconfigOf(component);
    writeFileSync(file, kubeconfig({ server, authority, token: user.token }), secretFile);
  }
  // Last: the token file says that the kubeconfigs are complete.
  writeFileSync(paths.tokens, tokenFile(withTokens.map(({ user }) => user)), secretFile);
}

async function startEtcd(): Promise<string> {
  const client = `http://127.0.0.1:${await portFor("etcd", 2379)}`;
  const peer = `http://127.0.0.1:${await portFor("etcd-peer", 2380)}`;
  await startProcess(
    "etcd",
    requireCommand("etcd"),
    [
      `--data-dir=${paths.etcd}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync", // nothing in here outlives the local system
    ],
    { ready: async () => (await fetch(`${client}/health`)).ok, readySeconds: 30 },
  );
  return client;
}

/** Where it listens for everybody: in place of kube-proxy, it has the address and port of the Service `kubernetes` itself. */
async function startApiServer(kubernetes: string, etcd: string): Promise<void> {
  const address = serverAddresses.kubernetes;
  await writeCredentials(`https://${address}`);
  const authority = await ensureAuthority();
  const server = await ensureCertificate("kube-apiserver", {
    hosts: [address, "kubernetes.default.svc"],
  });
  const client = await ensureCertificate("kube-apiserver-kubelet-client", { clientGroup: "system:masters" });
  const api = new Api(paths.kubeconfig);
  await startProcess(
    "kube-apiserver",
    kubernetes,
    [
      "kube-apiserver",
      `--etcd-servers=${etcd}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      "--secure-port=443",
      `--tls-cert-file=${server.certificate}`,
      `--tls-private-key-file=${server.key}`,
      `--kubelet-client-certificate=${client.certificate}`,
      `--kubelet-client-key=${client.key}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${paths.serviceAccountKey}`,
      `--service-account-signing-key-file=${paths.serviceAccountKey}`,
      `--service-cluster-ip-range=${serviceRange}`,
      `--token-auth-file=${paths.tokens}`,
      `--client-ca-file=${authority.certificate}`,
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--kubelet-preferred-address-types=InternalIP", // the node's name resolves nowhere
    ],
    { env, ready: async () => (await api.call("GET", "/readyz")) === "ok", readySeconds: 120 },
  );
}

/** Starts etcd, the API server, the controller manager and the scheduler; done when the API server is ready. */
export async function startControlPlane(options: { kubernetes: string; report: Report }): Promise<void> {
  const { kubernetes, report } = options;
  report("etcd");
  const etcd = await startEtcd();
  report("kube-apiserver");
  await startApiServer(kubernetes, etcd);
  report("kube-controller-manager and kube-scheduler");
  const client = (component: string) => [
    component,
    `--kubeconfig=${paths.kubeconfigOf(component)}`,
    "--leader-elect=false",
    "--secure-port=0",
  ];
  await startProcess(
    "kube-controller-manager",
    kubernetes,
    [
      ...client("kube-controller-manager"),
      `--root-ca-file=${(await ensureAuthority()).certificate}`, // what Pods get as kube-root-ca.crt
      `--service-account-private-key-file=${paths.serviceAccountKey}`,
      "--use-service-account-credentials=true",
      `--flex-volume-plugin-dir=${paths.kubelet}/volume-plugins`,
    ],
    { env },
  );
  await startProcess("kube-scheduler", kubernetes, client("kube-scheduler"), { env });
}
