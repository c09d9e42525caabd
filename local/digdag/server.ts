import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { answer, type Reply } from "./api";
import { ARCHIVE_LIMIT, BadRequest } from "./definitions";
import { type Fault, Faults, strike } from "./faults";
import { Conflict, NotFound, Store } from "./store";

export type { Fault } from "./faults";

export interface DigdagOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** Basic authentication for everything but /api/version. */
  auth?: { user: string; password: string };
  /** PEM; serves https. */
  tls?: { key: string; cert: string };
  /** Keeps projects across restarts. */
  stateFile?: string;
  /** The clock, for schedules. */
  now?: () => Date;
}

/** A request the stand-in has seen. */
export interface SeenRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: http.IncomingHttpHeaders;
}

/** A running stand-in for a Digdag server. */
export interface Digdag {
  url: string;
  port: number;
  /** Every request so far, oldest first. */
  requests: SeenRequest[];
  addFault(fault: Fault): void;
  clearFaults(): void;
  /** How many requests faults have struck since the start. */
  faultHits(): number;
  close(): Promise<void>;
}

const NAME = "digdag-stand-in";

/**
 * Starts a stand-in that keeps Digdag's REST contract for projects, revisions, workflows and schedules, and runs nothing.
 * Faults are ordered with `addFault`, or over HTTP: `POST /_local/faults` with a Fault as JSON, `DELETE /_local/faults`.
 */
export async function startDigdag(options: DigdagOptions = {}): Promise<Digdag> {
  const now = options.now ?? (() => new Date());
  const standIn = new StandIn(new Store(now, options.stateFile), now, options.auth);
  const listener = (request: http.IncomingMessage, response: http.ServerResponse) =>
    void standIn.serve(request, response);
  const server = options.tls ? https.createServer(options.tls, listener) : http.createServer(listener);
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    requests: standIn.requests,
    addFault: (fault) => standIn.faults.add(fault),
    clearFaults: () => standIn.faults.clear(),
    faultHits: () => standIn.faults.hits,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class StandIn {
  readonly faults = new Faults();
  readonly requests: SeenRequest[] = [];

  constructor(
    private readonly store: Store,
    private readonly now: () => Date,
    private readonly auth: DigdagOptions["auth"],
  ) {}

  async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    response.setHeader("server", NAME);
    const method = request.method ?? "GET";
    const url = new URL(request.url ?? "/", "http://stand-in");
    try {
      const body = await readBody(request);
      if (url.pathname.startsWith("/_local/")) {
        this.control(method, url.pathname, body, response);
        return;
      }
      this.requests.push({ method, path: request.url ?? "/", headers: request.headers });
      await this.answerOrStrike({ method, url, headers: request.headers, body }, request, response);
    } catch (error) {
      if (!response.headersSent && !response.destroyed) sendError(response, error);
    }
  }

  private async answerOrStrike(
    call: Parameters<typeof answer>[0],
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ) {
    const fault = this.faults.take(call.method, call.url.pathname);
    if (fault?.kind === "delay" && !fault.commit) await sleep(fault.milliseconds);
    if (fault && fault.kind !== "delay" && !fault.commit) {
      strike(fault, response);
      return;
    }
    if (!this.admits(call.url.pathname, request.headers.authorization)) {
      response.setHeader("www-authenticate", 'Basic realm="digdag"');
      sendJson(request, response, 401, { message: "Unauthorized", status: 401 });
      return;
    }
    const reply = await answer(call, this.store, this.now);
    if (fault?.kind === "delay" && fault.commit) await sleep(fault.milliseconds);
    if (fault && fault.kind !== "delay") strike(fault, response);
    else send(request, response, reply);
  }

  private admits(path: string, authorization: string | undefined): boolean {
    if (this.auth === undefined || path === "/api/version" || path.startsWith("/api/version/")) return true;
    const { user, password } = this.auth;
    return authorization === `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  }

  private control(method: string, path: string, body: Buffer, response: http.ServerResponse): void {
    if (path !== "/_local/faults" || (method !== "POST" && method !== "DELETE")) {
      throw new NotFound(`${method} ${path}: the stand-in is controlled with POST and DELETE /_local/faults`);
    }
    if (method === "POST") this.faults.add(JSON.parse(body.toString("utf8")) as Fault);
    else this.faults.clear();
    response.writeHead(204).end();
  }
}

async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= ARCHIVE_LIMIT) chunks.push(chunk as Buffer);
  }
  if (size > ARCHIVE_LIMIT)
    throw new BadRequest(`Size of the uploaded archive file exceeds limit (${ARCHIVE_LIMIT} bytes)`);
  return Buffer.concat(chunks);
}

function send(request: http.IncomingMessage, response: http.ServerResponse, reply: Reply): void {
  if ("json" in reply) sendJson(request, response, 200, reply.json);
  else
    response
      .writeHead(200, { "content-type": reply.type, "content-length": reply.bytes.length })
      .end(reply.bytes);
}

function sendJson(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  status: number,
  value: unknown,
): void {
  const text = Buffer.from(JSON.stringify(value));
  const zipped = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  response
    .writeHead(status, { "content-type": "application/json", ...(zipped && { "content-encoding": "gzip" }) })
    .end(zipped ? gzipSync(text) : text);
}

function sendError(response: http.ServerResponse, error: unknown): void {
  const status =
    error instanceof BadRequest
      ? 400
      : error instanceof NotFound
        ? 404
        : error instanceof Conflict
          ? 409
          : 500;
  const message = error instanceof Error ? error.message : String(error);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message, status }));
}
