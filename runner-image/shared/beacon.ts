import { randomBytes } from "node:crypto";
import { connect, createServer } from "node:net";

/**
 * A socket in the abstract namespace, which the containers of a Pod share. Only its owner's death ends it: job code can stop
 * the supervisor with a signal, but cannot make it look dead while it is not.
 */
export async function lightBeacon(): Promise<string> {
  const name = `digdag-runner-${randomBytes(16).toString("hex")}`;
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path: `\0${name}` }, resolve);
  });
  server.unref();
  return name;
}

/** True unless the kernel says that nobody holds this beacon. */
export function beaconIsLit(name: string, timeoutMs = 2000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: `\0${name}` });
    const answer = (lit: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(lit);
    };
    const timer = setTimeout(() => answer(true), timeoutMs);
    socket.once("connect", () => answer(true));
    socket.once("error", (error: NodeJS.ErrnoException) => answer(error.code !== "ECONNREFUSED"));
  });
}
