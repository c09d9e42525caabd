import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { stateDir } from "../lib/paths";
import { updateState } from "../lib/state";
import { paths } from "./paths";

interface Named {
  name: string;
  [kind: string]: unknown;
}

interface Kubeconfig {
  clusters?: Named[];
  users?: Named[];
  contexts?: (Named & { context: { cluster: string; user: string; namespace?: string } })[];
}

/** Fields of a kubeconfig that name a file, relative to the kubeconfig. */
const fileFields = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

function withAbsoluteFiles(entry: Named, kind: "cluster" | "user", directory: string): Named {
  const fields = { ...(entry[kind] as Record<string, unknown>) };
  for (const field of fileFields) {
    if (typeof fields[field] === "string") fields[field] = resolve(directory, fields[field] as string);
  }
  return { ...entry, [kind]: fields };
}

/**
 * A kubeconfig that holds one context, its cluster and its user, and nothing else.
 * @param files text of the kubeconfig files by path; of several entries of one name the first counts, as with kubectl
 * @throws Error naming the contexts there are, when this one is not among them
 */
export function restrictToContext(name: string, files: { path: string; text: string }[]): string {
  const configs = files.map(({ path, text }) => ({
    directory: dirname(path),
    config: (parse(text) ?? {}) as Kubeconfig,
  }));
  const contexts = configs.flatMap(({ config }) => config.contexts ?? []);
  const context = contexts.find((entry) => entry.name === name);
  if (!context) {
    const known = contexts.map((entry) => entry.name).join(", ") || "none";
    throw new Error(
      `there is no Kubernetes context "${name}"; contexts in ${files.map(({ path }) => path).join(", ") || "no kubeconfig"}: ${known}`,
    );
  }
  const find = (kind: "cluster" | "user", wanted: string): Named[] =>
    configs
      .flatMap(({ config, directory }) =>
        (config[`${kind}s`] ?? []).map((entry) => withAbsoluteFiles(entry, kind, directory)),
      )
      .filter((entry) => entry.name === wanted)
      .slice(0, 1);
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: find("cluster", context.context.cluster),
    users: find("user", context.context.user),
    contexts: [context],
    "current-context": name,
  });
}

/**
 * Makes a cluster that is there already (kind, k3d, …) the local system's: copies that one context of the person's
 * kubeconfig, which is only read, and read only because they named the context.
 * @throws Error when there is no such context
 */
export async function useContext(name: string): Promise<void> {
  const candidates = process.env.KUBECONFIG?.split(delimiter).filter(Boolean) ?? [
    join(homedir(), ".kube", "config"),
  ];
  const files = candidates
    .filter((path) => existsSync(path))
    .map((path) => ({ path: resolve(path), text: readFileSync(path, "utf8") }));
  const restricted = restrictToContext(name, files);
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(paths.kubeconfig, restricted, { mode: 0o600 });
  updateState({ context: name });
}
