import { readFileSync } from "node:fs";
import { Agent, type AgentOptions } from "node:https";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

/** How to talk to one API server. */
export interface Connection {
  /** Name of the cluster in the kubeconfig. */
  name: string;
  server: URL;
  agent: Agent;
  /** `authorization` header; absent with a client certificate. */
  authorization?: string;
}

interface Named {
  name: string;
}
type Cluster = Named & { cluster: Record<string, string> };
type User = Named & { user: Record<string, string> };
type Context = Named & { context: { cluster: string; user: string } };

/**
 * Reads a kubeconfig with a token or a client certificate, which is what clusters on one machine use.
 *
 * @param context the file's current context when absent
 * @throws for a context that is not there and for credentials of another kind
 */
export function readConnection(file: string, context?: string): Connection {
  const config = parse(readFileSync(file, "utf8")) as {
    clusters: Cluster[];
    users: User[];
    contexts: Context[];
    "current-context"?: string;
  };
  const wanted = context ?? config["current-context"];
  const { context: chosen } = find(config.contexts, wanted, `context in ${file}`);
  const { name, cluster } = find(config.clusters, chosen.cluster, `cluster in ${file}`);
  const { user } = find(config.users, chosen.user, `user in ${file}`);
  const pem = (settings: Record<string, string>, key: string) => {
    const inline = settings[`${key}-data`];
    const path = settings[key];
    return inline
      ? Buffer.from(inline, "base64")
      : path
        ? readFileSync(resolve(dirname(file), path))
        : undefined;
  };
  const options: AgentOptions = {
    keepAlive: true,
    ca: pem(cluster, "certificate-authority"),
    cert: pem(user, "client-certificate"),
    key: pem(user, "client-key"),
    rejectUnauthorized: String(cluster["insecure-skip-tls-verify"]) !== "true",
    servername: cluster["tls-server-name"],
  };
  const token =
    user.token ?? (user.tokenFile && readFileSync(resolve(dirname(file), user.tokenFile), "utf8").trim());
  if (!token && !options.cert) {
    throw new Error(
      `the user "${chosen.user}" in ${file} has neither a token nor a client certificate; the stand-in knows no other way to log in`,
    );
  }
  return {
    name,
    server: new URL(cluster.server ?? ""),
    agent: new Agent(options),
    authorization: token ? `Bearer ${token}` : undefined,
  };
}

function find<T extends Named>(list: T[] | undefined, name: string | undefined, what: string): T {
  const found = list?.find((item) => item.name === name);
  if (!found) {
    throw new Error(`there is no ${what} with the name "${name ?? ""}"`);
  }
  return found;
}
