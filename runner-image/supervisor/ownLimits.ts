import { readFileSync } from "node:fs";

/** Positions in /proc/PID/stat after the name (proc(5)): nice, rt_priority, policy. */
const SCHEDULING = [16, 37, 38];

/**
 * What a process of the same user may change of another one without touching it: resource limits (prlimit) and scheduling
 * (renice, chrt). Every later listener would inherit it from the supervisor.
 */
export class OwnLimits {
  private readonly before = readLimits();

  /** @throws Error when something changed: a limit that was lowered cannot be raised again */
  check(): void {
    if (readLimits() !== this.before) {
      throw new Error(
        "the last job changed the supervisor's resource limits or its scheduling, which the next one would inherit; " +
          "the container must be replaced",
      );
    }
  }
}

function readLimits(): string {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [readFileSync("/proc/self/limits", "utf8"), ...SCHEDULING.map((at) => fields[at])].join("\n");
}
