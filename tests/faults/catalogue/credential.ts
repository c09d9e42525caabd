import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gitHub } from "../../../local/gitHubControl";
import type { Token } from "../../../local/github/types";
import { isLiving } from "../cluster";
import type { Fault, Scene } from "../fault";
import type { Pool } from "../pool";
import { findProcess } from "../processes";

/** Where the broker finds it (`components/podManifest.ts`). */
const credentialFile = "run/secrets/github/token";
/** The kubelet looks at mounted Secrets about once a minute. */
const deliverySeconds = 150;

/** Whether every broker of the pool sees the pool's present token in its file. */
async function delivered(pool: Pool): Promise<boolean> {
  return (await pool.pods()).filter(isLiving).every((pod) => {
    const broker = findProcess(pod, "broker");
    if (!broker) return false;
    try {
      return readFileSync(`/proc/${broker.pid}/root/${credentialFile}`, "utf8").trim() === pool.token;
    } catch {
      return false; // it has ended, or the volume is being changed
    }
  });
}

/** Tells whether GitHub has refused a call of the pool since now. A runner that is gone is no refusal, though a 404 as well. */
function refusedSince({ repository }: Pool): () => Promise<boolean> {
  const since = new Date().toISOString();
  const path = `^/repos/${repository}/actions/runners`;
  return async () =>
    (await gitHub.requests({ path, since })).some(
      ({ status, path }) => status === 401 || status === 403 || (status === 404 && !/\/\d+$/.test(path)),
    );
}

/** The repair: a new token in the Secret. The fault ends when the kubelet has brought it to the brokers. */
async function replaceAndWait(pool: Pool): Promise<void> {
  await pool.replaceToken();
  const deadline = Date.now() + deliverySeconds * 1000;
  while (!(await delivered(pool))) {
    if (Date.now() > deadline)
      throw new Error(`the kubelet did not bring the new token within ${deliverySeconds} s`);
    await sleep(250);
  }
}

/** The token turns bad and a new one replaces it. */
function turnsBad(name: string, spoil: (pool: Pool) => Promise<void>): Fault {
  return {
    name,
    moments: ["before registration", "idle", "job starting", "job running", "between jobs"],
    lasts: [2, 6],
    async begin({ pool }: Scene) {
      const struck = refusedSince(pool);
      await spoil(pool);
      return { struck, end: () => replaceAndWait(pool) };
    },
  };
}

/** What the token may do is taken away and given back. */
function loses(name: string, less: (pool: Pool) => Partial<Token>): Fault {
  return {
    name,
    moments: ["before registration", "idle", "job running", "draining"],
    lasts: [4, 9],
    async begin({ pool }: Scene) {
      const whole: Token = { value: pool.token, scopes: [pool.repository] };
      const struck = refusedSince(pool);
      await gitHub.putToken({ ...whole, ...less(pool) });
      return { struck, end: () => gitHub.putToken(whole) };
    },
  };
}

const rotated: Fault = {
  name: "token rotated: Secret replaced, old one revoked after",
  moments: ["before registration", "idle", "job starting", "job running", "between jobs"],
  async begin({ pool, flow }) {
    await flow.start();
    const old = pool.token;
    return {
      async end() {
        await replaceAndWait(pool);
        await gitHub.revokeToken(old);
      },
    };
  },
};

export const credentialFaults: readonly Fault[] = [
  turnsBad("token revoked, then replaced", (pool) => gitHub.revokeToken(pool.token)),
  turnsBad("token expired, then replaced", (pool) =>
    gitHub.putToken({
      value: pool.token,
      scopes: [pool.repository],
      expiresAt: new Date(Date.now() - 1000).toISOString(),
    }),
  ),
  rotated,
  loses("token loses its permission for a while", () => ({ permission: "read" })),
  loses("token loses the repository for a while", (pool) => ({ scopes: [`${pool.repository}-other`] })),
];
