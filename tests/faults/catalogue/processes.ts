import { type Fault, type Moment, moments, type Scene } from "../fault";
import { exhaustBroker } from "../memory";
import { controlGroups, findProcess, processesOf, type Role, signal } from "../processes";

/** While no listener has to live: between two jobs there is none, which is no failure of the harness. */
function strikeProcess({ victim }: Scene, role: Role, name: NodeJS.Signals): boolean {
  const found = findProcess(victim, role);
  return found !== undefined && signal(found, name);
}

function once(name: string, role: Role, kind: NodeJS.Signals, more: Partial<Fault> = {}): Fault {
  return {
    name,
    moments,
    async begin(scene) {
      if (!strikeProcess(scene, role, kind)) throw new Error(`there was no ${role} to send ${kind} to`);
      return undefined;
    },
    ...more,
  };
}

/** Stopped for a while with SIGSTOP, which no process can refuse. */
function stopped(name: string, role: Role, lasts: [number, number], when: readonly Moment[]): Fault {
  return {
    name,
    moments: when,
    lasts,
    async begin({ victim }) {
      const found = findProcess(victim, role);
      if (!found || !signal(found, "SIGSTOP")) throw new Error(`there was no ${role} to stop`);
      return { end: async () => void signal(found, "SIGCONT") };
    },
  };
}

const withListener: readonly Moment[] = ["idle", "job starting", "job running", "draining"];
const withWorker: readonly Moment[] = ["job running", "draining"];

const brokerOutOfMemory: Fault = {
  name: "broker out of memory",
  moments,
  async begin({ victim }) {
    await exhaustBroker(victim, controlGroups(victim, "broker"));
    return undefined;
  },
};

const podSandbox: Fault = {
  name: "SIGKILL of everything in the runner container",
  moments: ["idle", "job running", "between jobs"],
  destroysJob: true,
  async begin({ victim }) {
    for (const each of processesOf(victim, "runner")) signal(each, "SIGKILL");
    return undefined;
  },
};

export const processFaults: readonly Fault[] = [
  once("SIGTERM of the supervisor", "supervisor", "SIGTERM"),
  once("SIGKILL of the supervisor", "supervisor", "SIGKILL", { destroysJob: true }),
  stopped("SIGSTOP of the supervisor, then SIGCONT", "supervisor", [4, 12], moments),
  once("SIGKILL of the listener", "listener", "SIGKILL", { destroysJob: true, moments: withListener }),
  stopped("SIGSTOP of the listener, then SIGCONT", "listener", [3, 8], withListener),
  once("SIGKILL of the worker", "worker", "SIGKILL", { destroysJob: true, moments: withWorker }),
  once("SIGTERM of the broker", "broker", "SIGTERM"),
  once("SIGKILL of the broker", "broker", "SIGKILL"),
  stopped("SIGSTOP of the broker, then SIGCONT", "broker", [4, 12], moments),
  brokerOutOfMemory,
  podSandbox,
];
