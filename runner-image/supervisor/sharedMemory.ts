import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** The three kinds of System V objects: file in /proc/sysvipc, option of ipcrm. */
const KINDS = [
  ["shm", "--shmem-id"],
  ["msg", "--queue-id"],
  ["sem", "--semaphore-id"],
] as const;

/**
 * Removes this user's System V shared memory, message queues and semaphores: they outlive the processes that made them.
 * Throws when some remain.
 */
export async function removeSharedMemorySegments(): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const removals = await findObjects(uid);
  if (removals.length === 0) return;
  await promisify(execFile)("ipcrm", removals.flat());
  const left = await findObjects(uid);
  if (left.length > 0) throw new Error(`${left.length} System V objects of the last job cannot be removed`);
}

async function findObjects(uid: number): Promise<[string, string][]> {
  const found = await Promise.all(
    KINDS.map(async ([kind, option]) => {
      const table = await readFile(`/proc/sysvipc/${kind}`, "utf8").catch(() => "");
      return parseObjects(table, uid).map((id): [string, string] => [option, id]);
    }),
  );
  return found.flat();
}

/** The ids of the objects that `uid` owns or made, from a table of /proc/sysvipc. */
export function parseObjects(table: string, uid: number): string[] {
  const [header = "", ...rows] = table.split("\n");
  const columns = header.trim().split(/\s+/);
  const idColumn = columns.findIndex((name) => name.endsWith("id") && name !== "uid");
  const owners = ["uid", "cuid"].map((name) => columns.indexOf(name));
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => owners.some((column) => fields[column] === String(uid)))
    .map((fields) => fields[idColumn] ?? "");
}
