import { readFileSync } from "node:fs";

/** Positions in /proc/PID/stat after the name (proc(5)): nice, rt_priority, policy. */
const SCHEDULING = [16, 37, 38];
/** The processes that outlive a job: later listeners inherit from the supervisor, and can read what is left at process 1. */
const LASTING = ["self", "1"];

/**
 * What a process of the same user may change of another one without touching it: resource limits (prlimit), scheduling (renice,
 * chrt) and processors (taskset).
 */
export class OwnLimits {
  private readonly before = readLimits();

  /**
   * To be called when no process of a job is left, which could change them back and forth.
   * @throws Error when something changed: a limit that was lowered cannot be raised again
   */
  check(): void {
    if (readLimits() !== this.before) {
      throw new Error(
        "the last job changed resource limits or the scheduling of the supervisor or of process 1, which the next one would " +
          "inherit or read; the container must be replaced",
      );
    }
  }
}

function readLimits(): string {
  return LASTING.flatMap((process) => {
    const stat = readFileSync(`/proc/${process}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const processors = /^Cpus_allowed:.*$/m.exec(readFileSync(`/proc/${process}/status`, "utf8"))?.[0];
    const limits = readFileSync(`/proc/${process}/limits`, "utf8");
    return [limits, processors, ...SCHEDULING.map((at) => fields[at])];
  }).join("\n");
}
