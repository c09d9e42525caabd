import { createServer } from "node:net";
import { readState, updateState } from "./state";

function free(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const taken = (server.address() as { port: number }).port;
      server.close(() => resolve(taken));
    });
  });
}

/**
 * The loopback port of a part of the local system: the one it had before, else `preferred`,
 * else any free one where a stranger already listens on `preferred`.
 */
export async function portFor(name: string, preferred: number): Promise<number> {
  const known = readState().ports[name];
  if (known) return known;
  const port = (await free(preferred)) ?? (await free(0));
  if (!port) throw new Error(`no free port on 127.0.0.1 for ${name}`);
  updateState({ ports: { ...readState().ports, [name]: port } });
  return port;
}
