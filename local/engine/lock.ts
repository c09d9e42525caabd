import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Claims a name among the kernel's abstract sockets, or answers undefined while another process has it. */
async function claim(name: string): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(`\0digdag-runner:${name}`);
    await once(server, "listening");
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return undefined;
  }
}

/**
 * Runs `work` while no other process on this machine runs it under the same name. The lock is a socket without a
 * file, which the kernel gives back however its holder ends: nothing of it can be left over.
 * @param name what is locked; at most 80 characters
 * @param waiting called once when another holds the lock
 */
export async function withLock<T>(name: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  let server = await claim(name);
  if (!server) waiting();
  while (!server) {
    await sleep(200);
    server = await claim(name);
  }
  try {
    return await work();
  } finally {
    server.close();
  }
}
