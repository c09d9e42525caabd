import { createHash, randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Pod } from "../cluster";
import type { Pool } from "../pool";
import { findProcess, processesOf, type Role } from "../processes";

/**
 * What an attempt is after. `other job's secret`: what another job of the same Pod had; text, or a number where only a number
 * fits. `capability`: power over the kernel, which the node itself can see.
 */
export type Prize =
  | "GitHub credential"
  | "lease key"
  | "service account token"
  | "other job's secret"
  | "other job's number"
  | "capability";

/** How secrets look, for thieves that search for them. */
const patterns: Record<Exclude<Prize, "capability">, string> = {
  "GitHub credential": "github_pat_\\w{20,}",
  "lease key": "[0-9a-f]{64}",
  "service account token": "eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+",
  "other job's secret": "canary-[0-9a-f]{32}",
  "other job's number": "[0-9]{10}",
};

/** Between the largest number of nine digits and the largest that a setting of the kernel takes. */
const numbers = [1_000_000_000, 2_147_483_647] as const;

const digest = (purpose: string, secret: string) =>
  createHash("sha256").update(`${purpose}:${secret}`).digest("hex");

/** The real values of one attempt's prize, as the campaign knows them from the node; jobs get none of them from here. */
export class Secrets {
  private readonly values = new Set<string>();
  private capability = false;

  private constructor(
    readonly prize: Prize,
    private readonly pool: Pool,
  ) {}

  static async of(prize: Prize, pool: Pool): Promise<Secrets> {
    const secrets = new Secrets(prize, pool);
    if (prize === "GitHub credential") secrets.values.add(pool.token);
    if (prize === "other job's secret") secrets.values.add(`canary-${randomBytes(16).toString("hex")}`);
    if (prize === "other job's number") secrets.values.add(String(randomInt(...numbers)));
    await secrets.watch();
    return secrets;
  }

  /** To be called again and again while the attempt runs: a new lease has a new key, and a capability lasts for a moment. */
  async watch(): Promise<void> {
    for (const pod of await this.pool.pods()) {
      if (this.prize === "lease key") this.add(leaseKey(pod));
      if (this.prize === "service account token") this.add(serviceAccountToken(pod));
      if (this.prize === "capability") this.capability ||= hasCapability(pod);
    }
  }

  /** For the job that holds the secret. */
  get held(): Record<string, string> {
    return { SECRET: [...this.values].join() };
  }

  /** For jobs that look for it: they can tell the secret when they have it, and only then. */
  get wanted(): Record<string, string> {
    const [first] = this.values;
    return {
      PATTERN: this.prize === "capability" ? "" : patterns[this.prize],
      FINGERPRINT: first === undefined ? "any" : digest("recognise", first),
    };
  }

  /**
   * Whether the logs of its jobs prove that the prize was won, and how many claims in them are no proof.
   * @throws Error when a secret itself is in a log: then the campaign gives it away, and proves nothing
   */
  wonBy(logs: string[]): { won: boolean; unproven: number } {
    if (logs.some((log) => [...this.values].some((value) => log.includes(value)))) {
      throw new Error(`a job's log shows the ${this.prize}`);
    }
    const claims = logs.flatMap((log) => [...log.matchAll(/^STOLEN (\S+)$/gm)].map(([, proof]) => proof));
    const proofs = new Set([...this.values].map((value) => digest("stolen", value)));
    const unproven = claims.filter((claim) => !proofs.has(claim as string)).length;
    return { won: claims.length > unproven || this.capability, unproven };
  }

  private add(value: string | undefined): void {
    if (value) this.values.add(value);
  }
}

/** A file as a process of the Pod sees it. */
function fileOf(pod: Pod, role: Role, path: string): string | undefined {
  const process = findProcess(pod, role);
  if (!process) return undefined;
  try {
    return readFileSync(`/proc/${process.pid}/root${path}`, "utf8");
  } catch (error) {
    // No such file, or no such process any more.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function leaseKey(pod: Pod): string | undefined {
  const state = fileOf(pod, "broker", "/run/broker/lease.json");
  return state && (JSON.parse(state) as { key?: string }).key;
}

function serviceAccountToken(pod: Pod): string | undefined {
  return fileOf(pod, "supervisor", "/run/secrets/kubernetes.io/serviceaccount/token");
}

function hasCapability(pod: Pod): boolean {
  return processesOf(pod, "runner").some(({ pid }) => {
    try {
      return /^CapEff:\s+0*[1-9a-f]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false; // it ended meanwhile
    }
  });
}
