import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goBuild } from "../../../local/engine/goBuild";
import { gitHub } from "../../../local/gitHubControl";
import { readState } from "../../../local/lib/state";
import { bridge } from "../../../local/network/addresses";
import { apply, kubectl } from "../cluster";
import { Pool, removeLeftovers } from "../pool";
import { PoolDigdag } from "../poolDigdag";
import { adaptation, type Weakening } from "./weakenings";

/** What jobs of every attempt are told about the cluster, as somebody who knows it would. */
export interface Surroundings {
  API_SERVER: string;
  NODE_ADDRESS: string;
  /** With spaces between them. */
  NODE_PORTS: string;
}

/** What all pools of the campaign have in common. */
export class Stage {
  private count = 0;

  private constructor(
    /** The scripts of jobs/ and the program they use, to be committed to a repository. */
    private readonly files: string,
    private readonly digdag: PoolDigdag,
    private readonly apiServer: { server: Server; url: string },
  ) {}

  /** Removes what an earlier run left, and makes what the campaign needs. */
  static async build(report: (line: string) => void): Promise<Stage> {
    const left = await removeLeftovers("theft");
    if (left.length > 0) report(`removed what an earlier run left: ${left.join(", ")}`);
    report("building what thieves need besides a shell");
    const directory = join(__dirname, "thief");
    const module = { name: "thief", directory, programs: { thief: "." }, flags: ["-ldflags=-s -w"] };
    const built = await goBuild(module, { report: () => {} });
    const files = mkdtempSync(join(tmpdir(), "theft-"));
    cpSync(join(__dirname, "jobs"), files, { recursive: true });
    copyFileSync(join(built, "thief"), join(files, "thief"));
    return new Stage(files, await PoolDigdag.start(), await forwardApiServer());
  }

  /** Removes all of it, and every pool that is still there. */
  async clear(): Promise<void> {
    await removeLeftovers("theft");
    this.apiServer.server.close();
    await this.digdag.close();
    rmSync(this.files, { recursive: true });
  }

  /** A pool of the product's own Pod, or of the weakened one. */
  async createPool(weakening: Weakening | undefined): Promise<Pool> {
    this.count += 1;
    const pool = await Pool.create({
      environment: `t${this.count}`,
      campaign: "theft",
      digdagEndpoint: this.digdag.url,
      ...(weakening && { adapt: adaptation(weakening) }),
    });
    if (weakening?.needsPrivilegedNamespace) {
      const level = "pod-security.kubernetes.io/enforce=privileged";
      await kubectl(["label", "namespace", pool.namespace, level, "--overwrite"]);
    }
    const objects = weakening?.objects?.(pool.namespace) ?? [];
    if (objects.length > 0) await apply(...objects);
    await gitHub.commit(pool.repository, this.files, "The tools of thieves");
    return pool;
  }

  get surroundings(): Surroundings {
    const { ports } = readState();
    const names = ["etcd", "kube-apiserver", "kubelet", "moto"];
    return {
      API_SERVER: this.apiServer.url,
      NODE_ADDRESS: bridge.address,
      NODE_PORTS: names.map((name) => ports[name]).join(" "),
    };
  }
}

/** The local API server listens on the node's loopback alone; a real cluster's can be reached from Pods. */
async function forwardApiServer(): Promise<{ server: Server; url: string }> {
  const port = readState().ports["kube-apiserver"] as number;
  const server = createServer((client) => {
    const upstream = connect({ host: "127.0.0.1", port });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, bridge.address, resolve);
  });
  const address = server.address() as { port: number };
  return { server, url: `https://${bridge.address}:${address.port}` };
}
