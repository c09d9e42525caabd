import type { Fault as DigdagFault } from "../../../local/digdag";
import type { Fault, Moment, Scene } from "../fault";
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
      own(scene).addFault(fault);
      return async () => own(scene).clearFaults();
    },
  };
}

const down: Fault = {
  name: "Digdag down",
  moments: when,
  lasts: [4, 10],
  begin: (scene) => own(scene).down(),
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

/** Packets of the victim's Pod vanish on the way. */
function silence(name: string, destination: readonly string[], lasts: [number, number]): Fault {
  return {
    name,
    moments: ["before registration", "idle", "job starting", "job running", "between jobs"],
    lasts,
    begin: ({ victim }) => dropPackets(victim, destination),
  };
}

export const networkFaults: readonly Fault[] = [
  silence("DNS silent", destinations.nameServer, [5, 12]),
  silence("GitHub silent: packets dropped", destinations.gitHub, [4, 9]),
];
