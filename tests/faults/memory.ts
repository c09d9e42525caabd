import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pod } from "./cluster";
import { askBroker } from "./metrics";
import { findProcess } from "./processes";

/** Version 2 of the kernel's control groups, then version 1. */
const limitFiles = [
  ["memory.max", "memory.current"],
  ["memory.limit_in_bytes", "memory.usage_in_bytes"],
] as const;
const step = 256 * 1024;
const mostAttempts = 200;

/**
 * Takes away what memory the broker does not use yet and asks it questions until it needs more: the kernel then ends it, as it
 * does for any process that outgrows its container.
 * @throws Error when it lives on
 */
export async function exhaustBroker(pod: Pod, groups: string[]): Promise<void> {
  const broker = findProcess(pod, "broker");
  const [limit, usage] = filesOf(groups);
  if (!broker) throw new Error("there was no broker to take memory from");
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    if (findProcess(pod, "broker")?.pid !== broker.pid) return;
    lower(limit, Number(readFileSync(usage, "utf8")));
    await askBroker(pod, "metrics");
    await sleep(20);
  }
  throw new Error("the broker lived on with no memory left");
}

function filesOf(groups: string[]): [limit: string, usage: string] {
  for (const [limit, usage] of limitFiles) {
    const group = groups.find((directory) => existsSync(join(directory, limit)));
    if (group) return [join(group, limit), join(group, usage)];
  }
  throw new Error("the broker's container has no control group for memory");
}

/** The kernel refuses a limit that it cannot reach by giving back caches. */
function lower(file: string, used: number): void {
  for (const bytes of [used - step, used, used + step]) {
    try {
      writeFileSync(file, String(bytes));
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return; // the container has just ended
      if (code !== "EBUSY") throw error;
    }
  }
}
