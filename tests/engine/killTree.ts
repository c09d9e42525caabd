import { readdirSync, readFileSync } from "node:fs";

/** Processes that `pid` started, and those started. Found before anything is killed: orphans have another parent. */
function descendants(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return children.flatMap((child) => [child, ...descendants(child)]);
  } catch (error) {
    if (!/ENOENT|ESRCH/.test(String(error))) throw error;
    return []; // it ended by itself
  }
}

/** Kills a process and everything below it with SIGKILL, the process first, as a machine's death would. */
export function killTree(pid: number): void {
  for (const one of [pid, ...descendants(pid)]) {
    try {
      process.kill(one, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
