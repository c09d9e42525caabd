import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";

/** An HTTP(S) server that listens, and its base URL. */
export interface Listening {
  url: string;
  close(): Promise<void>;
}

/** @throws Error naming the address when it cannot be had */
export async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  { host, port, tls }: { host: string; port: number; tls?: { key: string; cert: string } },
): Promise<Listening> {
  const server: Server = tls ? createHttps(tls, handler) : createHttp(handler);
  // A poll is held open for as long as the stand-in wants.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(new Error(`The GitHub stand-in cannot listen on ${host}:${port} (${cause.code}).`, { cause })),
    );
    server.listen(port, host, resolve);
  });
  return {
    url: `${tls ? "https" : "http"}://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
