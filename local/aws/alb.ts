import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { createServer, type Server, type Socket } from "node:net";

/** AWS's default for a load balancer whose target says nothing. */
const IDLE_TIMEOUT_MS = 60_000;
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-authorization", "te", "trailer", "upgrade"];

/** Where a server of the emulated account listens, and with which PEM files. */
export interface Listen {
  address: string;
  /** Default 443. */
  port?: number;
  certificate: string;
  key: string;
}

/** Decides about connections and tells where they come from. */
export interface Gate {
  /** Whether the security group lets this Pod in; false leaves the connection unanswered. */
  admits(podAddress: string): boolean;
  /** The public address that a Pod leaves from; its own address when there is no NAT gateway. */
  publicAddress(podAddress: string): string;
}

/** A server that was started. */
export interface Listening {
  port: number;
  close(): Promise<void>;
}

/**
 * The stand-in of one load balancer: TLS in front of one target.
 *
 * @param target URL of the Digdag stand-in
 */
export function startBalancer(listen: Listen, target: string, gate: Gate): Promise<Listening> {
  const agent = new http.Agent({ keepAlive: true });
  return serve(listen, gate, (request, response) => {
    const client = gate.publicAddress(request.socket.remoteAddress ?? "");
    const forwarded = http.request(new URL(request.url ?? "/", target), {
      agent,
      method: request.method,
      headers: forwardedHeaders(request.headers, client),
      timeout: IDLE_TIMEOUT_MS,
    });
    const fail = (status: 502 | 504) => {
      if (response.headersSent) {
        response.destroy();
      } else {
        answer(response, status);
      }
    };
    forwarded.on("timeout", () => {
      fail(504);
      forwarded.destroy();
    });
    forwarded.on("error", () => fail(502));
    forwarded.on("response", (answered) => {
      response.writeHead(answered.statusCode ?? 502, without(answered.headers, HOP_BY_HOP));
      answered.on("error", () => response.destroy());
      answered.pipe(response);
    });
    response.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  });
}

/** The stand-in of checkip.amazonaws.com: answers with the public address that the caller leaves from. */
export function startCheckIp(listen: Listen, gate: Gate): Promise<Listening> {
  return serve(listen, gate, (request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/plain" });
    response.end(`${gate.publicAddress(request.socket.remoteAddress ?? "")}\n`);
  });
}

async function serve(listen: Listen, gate: Gate, handle: http.RequestListener): Promise<Listening> {
  const secure = https.createServer(
    { cert: readFileSync(listen.certificate), key: readFileSync(listen.key) },
    handle,
  );
  secure.on("tlsClientError", () => {}); // a client that does not trust the certificate closes by itself
  const sockets = new Set<Socket>();
  const front: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    if (gate.admits(socket.remoteAddress ?? "")) {
      secure.emit("connection", socket);
    } else {
      // Unanswered, like a packet that a security group drops: the client's own timeout ends it.
      socket.setTimeout(IDLE_TIMEOUT_MS * 5, () => socket.destroy());
      socket.pause();
    }
  });
  await new Promise<void>((resolve, reject) => {
    front.once("error", reject);
    front.listen(listen.port ?? 443, listen.address, resolve);
  });
  return {
    port: (front.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        front.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
}

function forwardedHeaders(headers: http.IncomingHttpHeaders, client: string): http.OutgoingHttpHeaders {
  const before = headers["x-forwarded-for"];
  return {
    ...without(headers, HOP_BY_HOP),
    "x-forwarded-for": before ? `${before}, ${client}` : client,
    "x-forwarded-proto": "https",
    "x-forwarded-port": "443",
  };
}

function without(headers: http.IncomingHttpHeaders, names: string[]): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

function answer(response: http.ServerResponse, status: 502 | 504): void {
  const title = `${status} ${http.STATUS_CODES[status]}`;
  response.writeHead(status, { server: "awselb/2.0", "content-type": "text/html" });
  response.end(
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
  );
}
