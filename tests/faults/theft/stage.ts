import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { goBuild } from "../../../local/engine/goBuild";
import { gitHub } from "../../../local/gitHubControl";
import { paths } from "../../../local/kubernetes/paths";
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
    return new Stage(files, await PoolDigdag.start());
  }

  /** Removes all of it, and every pool that is still there. */
  async clear(): Promise<void> {
    await removeLeftovers("theft");
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
    const { etcd, kubelet, moto } = readState().ports;
    return {
      API_SERVER: apiServerUrl(),
      NODE_ADDRESS: bridge.address,
      NODE_PORTS: [etcd, kubelet, moto].join(" "),
    };
  }
}

/** Such as `https://10.88.0.17`: where Pods reach it as well. */
function apiServerUrl(): string {
  const { clusters } = parse(readFileSync(paths.kubeconfig, "utf8"));
  return clusters[0].cluster.server;
}
