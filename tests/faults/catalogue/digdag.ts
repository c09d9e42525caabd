import type { Fault as DigdagFault } from "../../../local/digdag";
import type { Fault, Moment, Scene } from "../fault";
import { probeFailsMore } from "../metrics";
import { destinations, dropPackets } from "../node";
import type { PoolDigdag } from "../poolDigdag";

const when: readonly Moment[] = ["idle", "job starting", "job running", "between jobs", "draining"];

function own({ digdag }: Scene): PoolDigdag {
  if (!digdag) throw new Error("this fault needs a pool with a Digdag of its own");
  return digdag;
}

/** The pool's Digdag goes wrong in one way for some seconds. */
function trouble(name: string, fault: DigdagFault): Fault {
  return {
    name,
    moments: when,
    lasts: [4, 10],
    async begin(scene) {
      const digdag = own(scene);
      const before = digdag.faultHits;
      digdag.addFault(fault);
      return {
        struck: async () => digdag.faultHits > before,
        end: async () => digdag.clearFaults(),
      };
    },
  };
}

const down: Fault = {
  name: "Digdag down",
  moments: when,
  lasts: [4, 10],
  async begin(scene) {
    const struck = await probeFailsMore(scene.pool);
    return { struck, end: await own(scene).down() };
  },
};

export const digdagFaults: readonly Fault[] = [
  down,
  trouble("Digdag slow", { kind: "delay", milliseconds: 6000 }),
  trouble("Digdag hangs", { kind: "hang" }),
  trouble("Digdag resets connections", { kind: "reset" }),
  trouble("Digdag 401 to /api/version", { kind: "status", status: 401, path: "/api/version" }),
  trouble("Digdag 503", { kind: "status", status: 503 }),
  trouble("Digdag's database broken", { kind: "html", status: 500, path: "/api/projects" }),
];

/**
 * Packets of the victim's Pod vanish on the way. Not for long: a resolver asks again after 5 s, and the GitHub stand-in gives a job
 * up after 15 s of silence, where GitHub waits for minutes.
 */
function silence(name: string, destination: readonly string[], lasts: [number, number]): Fault {
  return {
    name,
    moments: ["before registration", "idle", "job starting", "job running", "between jobs"],
    lasts,
    begin: ({ victim }) => dropPackets(victim, destination),
  };
}

export const networkFaults: readonly Fault[] = [
  silence("DNS silent", destinations.nameServer, [2, 4.5]),
  silence("GitHub silent: packets dropped", destinations.gitHub, [3, 7]),
];
