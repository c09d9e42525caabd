import { gitHub } from "../../../local/gitHubControl";
import type { HttpAction, HttpFault } from "../../../local/github/types";
import { kubectl } from "../cluster";
import { type Course, type Fault, moments, type Scene } from "../fault";
import type { Pool } from "../pool";

/** Any call of the REST API for runners. */
const anyCall = "/actions/runners";
const registration = { method: "POST", path: "/generate-jitconfig$" };

const retryAfter = { "retry-after": "3" };
const page = (title: string) => `<!DOCTYPE html><html><head><title>${title}</title></head></html>`;

/** A fault that is used up by itself is over as soon as it has struck. */
export function usedUp(pool: Pool): Course {
  return { struck: () => pool.faultsStruck(), end: async () => {} };
}

/** GitHub's API goes wrong in one way for some seconds, for this pool alone. */
function outage(name: string, action: HttpAction, hits: Partial<HttpFault> = { path: anyCall }): Fault {
  return {
    name,
    moments: hits.method === "POST" ? ["before registration", "job running", "between jobs"] : moments,
    lasts: [4, 9],
    async begin({ pool }) {
      await pool.addFault({ path: anyCall, ...hits, times: 0, action });
      return { struck: () => pool.faultsStruck(), end: () => pool.clearFaults() };
    },
  };
}

const respond = (status: number, message: string, headers: Record<string, string> = {}): HttpAction => ({
  type: "respond",
  status,
  headers,
  body: { message },
});

const statuses: Fault[] = [
  outage("API 401", respond(401, "Bad credentials")),
  outage(
    "API 403, permission missing",
    respond(403, "Resource not accessible by personal access token", {
      "x-accepted-github-permissions": "administration=write",
    }),
  ),
  outage(
    "API 403, secondary rate limit",
    respond(403, "You have exceeded a secondary rate limit.", retryAfter),
  ),
  outage("API 404", respond(404, "Not Found")),
  outage("API 409 to a registration", respond(409, "Already exists"), registration),
  outage("API 422 to a registration", respond(422, "Invalid request."), registration),
  outage("API 429", respond(429, "Too many requests", retryAfter)),
  outage("API 500", respond(500, "Server Error")),
  outage("API 502, a page", { type: "respond", status: 502, body: page("Unicorn!") }),
  outage("API 503", respond(503, "Service Unavailable")),
  outage("API 200, a page", { type: "respond", status: 200, body: page("Sign in") }),
  outage("API connection reset", { type: "reset" }),
  outage("API slow", { type: "delay", ms: 4000 }),
  outage("API hangs", { type: "hang" }),
];

/** A renamed repository answers so; the new place works. */
const redirectHere: Fault = {
  name: "API redirect on the same host",
  moments: ["before registration", "idle", "job running", "draining"],
  async begin({ pool, random }) {
    const location = `https://api.github.com/repos/${pool.repository}/actions/runners`;
    await pool.addFault({
      method: "GET",
      path: `${anyCall}(/\\d+)?$`,
      times: random.whole(1, 3),
      action: { type: "respond", status: 307, headers: { location } },
    });
    return usedUp(pool);
  },
};

const redirectElsewhere: Fault = {
  name: "API redirect to another host",
  moments: ["before registration", "idle", "job running"],
  lasts: [4, 9],
  async begin({ pool, digdag }) {
    const location = `${digdag?.url}/elsewhere`;
    await pool.addFault({
      path: anyCall,
      times: 0,
      action: { type: "respond", status: 307, headers: { location } },
    });
    return {
      struck: () => pool.faultsStruck(),
      async end() {
        await pool.clearFaults();
        const leaked = digdag?.requests.find(({ headers }) => headers.authorization !== undefined);
        if (leaked)
          throw new Error(`the credential went to another host with ${leaked.method} ${leaked.path}`);
      },
    };
  },
};

const lostRegistration: Fault = {
  name: "API loses the answer to a registration",
  moments: ["before registration", "job running", "between jobs"],
  async begin({ pool, random }) {
    await pool.addFault({ ...registration, times: random.whole(1, 2), action: { type: "lose-answer" } });
    return usedUp(pool);
  },
};

const lostDeletion: Fault = {
  name: "API loses the answer to a deletion",
  moments: ["idle"],
  async begin({ pool, victim }) {
    await pool.addFault({ method: "DELETE", path: anyCall, action: { type: "lose-answer" } });
    await deletePod(victim);
    return usedUp(pool);
  },
};

/** The runner leaves GitHub's list by somebody's hand. */
async function removeFromGitHub({ pool, victim }: Scene): Promise<undefined> {
  for (const { id, name } of await pool.runners()) {
    if (name.includes(`.${victim.metadata.name}.`)) await gitHub.removeRunner(id);
  }
}

const removed: Fault[] = [
  { name: "runner deleted from outside, idle", moments: ["idle"], begin: removeFromGitHub },
  {
    name: "runner deleted from outside, busy",
    moments: ["job starting", "job running", "draining"],
    destroysJob: true,
    begin: removeFromGitHub,
  },
];

/** Asks the kubelet to end a Pod, as any roll-out does. */
export async function deletePod({ metadata: { name, namespace } }: Scene["victim"]): Promise<void> {
  await kubectl(["delete", "pod", name, "--namespace", namespace, "--wait=false"]);
}

export const gitHubApiFaults: readonly Fault[] = [
  ...statuses,
  redirectHere,
  redirectElsewhere,
  lostRegistration,
  lostDeletion,
  ...removed,
];
