import { readdirSync, readFileSync } from "node:fs";
import { sleepSeconds } from "../shared/backoff";

/** Programs that, as process 1, forward signals and reap what is orphaned. */
const KNOWN_INITS = ["tini", "docker-init", "dumb-init", "catatonit"];
const START_DEADLINE_SECONDS = 5;
const KILL_DEADLINE_SECONDS = 20;
const LOOK_AGAIN_SECONDS = 0.05;

/** What decides whether the supervisor may end every process it can reach. */
export interface Surroundings {
  uid: number;
  parentPid: number;
  /** Command name of process 1. */
  initName: string;
  /** Processes other than process 1 and this one. */
  others: number;
}

/** Why the supervisor must not run here; undefined when it may. */
export function reasonNotToRun({ uid, parentPid, initName, others }: Surroundings): string | undefined {
  if (uid === 0) return "it runs as root (uid 0); it must run as the user of the jobs";
  if (!KNOWN_INITS.includes(initName)) {
    return `process 1 is ${JSON.stringify(initName)}; allowed: ${KNOWN_INITS.join(", ")}`;
  }
  if (parentPid !== 1) return `its parent is process ${parentPid}, not the container's init`;
  if (others > 0) return `${others} other processes run here; a container that has just started has none`;
  return undefined;
}

/**
 * The processes of this container. The supervisor ends all of them between two jobs, so an instance exists only where that is
 * safe: in a PID namespace of its own that holds nothing but an init and this process.
 */
export class Container {
  private constructor() {}

  /** Throws when this is not a container of the supervisor's own. */
  static async enter(): Promise<Container> {
    const deadline = Date.now() + START_DEADLINE_SECONDS * 1000;
    for (;;) {
      const reason = reasonNotToRun({
        uid: process.getuid?.() ?? 0,
        parentPid: process.ppid,
        initName: commandName(1),
        others: otherProcesses().length,
      });
      if (reason === undefined) return new Container();
      // Somebody may be looking into the container with kubectl exec.
      if (Date.now() > deadline || otherProcesses().length === 0) {
        throw new Error(
          `the supervisor refuses to run: it ends every other process between two jobs, and ${reason}.`,
        );
      }
      await sleepSeconds(LOOK_AGAIN_SECONDS);
    }
  }

  /** Ends every process but process 1 and this one, and returns when none is left. Throws when one will not die. */
  async endEveryOtherProcess(): Promise<void> {
    const deadline = Date.now() + KILL_DEADLINE_SECONDS * 1000;
    for (;;) {
      killAll();
      const left = otherProcesses();
      if (left.length === 0) return;
      if (Date.now() > deadline) {
        const names = left.map((pid) => `${pid} (${commandName(pid)})`).join(", ");
        throw new Error(`processes of the last job do not end: ${names}; the container must be replaced`);
      }
      await sleepSeconds(LOOK_AGAIN_SECONDS);
    }
  }

  /** True while a worker of the runner, and so a job, runs. */
  jobRuns(): boolean {
    return otherProcesses().some((pid) => commandName(pid) === "Runner.Worker");
  }
}

function killAll(): void {
  try {
    // All at once, so that no process can fork while its neighbours are being counted; Linux leaves out the caller and process 1.
    process.kill(-1, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Living processes other than process 1 and this one; zombies only wait to be reaped. */
function otherProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== 1 && pid !== process.pid && isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    // The name in parentheses may itself hold parentheses: the state follows the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

function commandName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}
