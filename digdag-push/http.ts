import * as http from "node:http";
import * as https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { printable } from "./errors";
import { proxyHeaders, TunnelAgent } from "./proxy";

/** Where on the way to Digdag something failed. */
export type Layer = "DNS" | "TCP" | "TLS" | "HTTP" | "auth";

/** A request that got no usable answer. */
export class RequestFailure extends Error {
  /** Node's error code, or `TIMEOUT` (this step took too long) or `DEADLINE` (the whole command did). */
  readonly code?: string;
  /** Status of the answer, when there was one. */
  readonly status?: number;

  constructor(
    readonly layer: Layer,
    message: string,
    details: { code?: string; status?: number } = {},
  ) {
    super(message);
    this.code = details.code;
    this.status = details.status;
  }

  /** Whether the server may have received and carried out the request all the same. */
  get mayHaveArrived(): boolean {
    return this.layer === "HTTP";
  }

  /** Whether the same request may well succeed a moment later. A dropped packet is not: it is a closed door. */
  get passes(): boolean {
    if (this.status !== undefined) return [502, 503, 504].includes(this.status);
    return ["ECONNREFUSED", "ECONNRESET", "EPIPE", "EAI_AGAIN"].includes(this.code ?? "");
  }
}

export interface Request {
  method: "GET" | "PUT" | "POST";
  headers?: Record<string, string>;
  body?: Buffer;
  /** Milliseconds for each of name lookup, connecting and the TLS handshake. */
  connectTimeout: number;
  /** Milliseconds from the connection to the end of the answer. */
  answerTimeout: number;
  /** Ends the request at once, as `DEADLINE`. */
  signal?: AbortSignal;
  agent?: http.Agent;
  /** Asked instead of the server itself. */
  proxy?: URL;
  /** Replaces the operating system's name lookup. */
  lookup?: LookupFunction;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** Connections that one command reuses. */
export function makeAgent(url: URL, proxy?: URL): http.Agent {
  if (url.protocol !== "https:") return new http.Agent({ keepAlive: true });
  return proxy === undefined ? new https.Agent({ keepAlive: true }) : new TunnelAgent(proxy);
}

/** `host:port` of the URL, as people need it for a firewall. */
export function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`;
}

/**
 * Sends one request and reads the whole answer, whatever its status.
 *
 * @throws RequestFailure that names the layer which failed
 */
export function send(url: URL, request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => new Exchange(url, request, resolve, reject).start());
}

class Exchange {
  private layer: Layer;
  private timer?: NodeJS.Timeout;
  private outgoing?: http.ClientRequest;
  private readonly onDeadline = () => this.stop("DEADLINE");

  constructor(
    private readonly url: URL,
    private readonly request: Request,
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (failure: RequestFailure) => void,
  ) {
    const isAddress = isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0;
    // A proxy looks the name up itself.
    this.layer = isAddress || request.proxy !== undefined ? "TCP" : "DNS";
  }

  start(): void {
    const { method, headers, body, agent, lookup, signal, connectTimeout, proxy } = this.request;
    if (signal?.aborted) {
      this.layer = "HTTP";
      this.fail("DEADLINE");
      return;
    }
    const module = this.url.protocol === "https:" ? https : http;
    const whole = proxy !== undefined && this.url.protocol === "http:" ? proxy : undefined;
    const outgoing = module.request(whole ?? this.url, {
      method,
      ...(whole && { path: this.url.href, auth: null }),
      headers: {
        ...headers,
        ...(body && { "content-length": String(body.length) }),
        ...(whole && { host: this.url.host, ...proxyHeaders(whole) }),
      },
      agent,
      lookup,
      // A load balancer has several addresses; Node's default of 250 ms for each is too short for a lost packet.
      autoSelectFamilyAttemptTimeout: Math.max(Math.floor(connectTimeout / 3), 10),
    } as https.RequestOptions);
    this.outgoing = outgoing;
    outgoing.on("socket", (socket) => this.watch(socket));
    outgoing.on("response", (response) => this.read(response));
    outgoing.on("error", (error: NodeJS.ErrnoException) => this.fail(error.code, error.message));
    signal?.addEventListener("abort", this.onDeadline, { once: true });
    this.enter(this.layer, connectTimeout);
    outgoing.end(body);
  }

  private watch(socket: import("node:net").Socket): void {
    const { connectTimeout, answerTimeout } = this.request;
    if (this.outgoing?.reusedSocket) {
      this.enter("HTTP", answerTimeout);
      return;
    }
    socket.once("lookup", (error) => error || this.enter("TCP", connectTimeout));
    if (this.url.protocol === "https:") {
      // Through a tunnel the connection is there already.
      if (this.request.proxy !== undefined) this.enter("TLS", connectTimeout);
      socket.once("connect", () => this.enter("TLS", connectTimeout));
      socket.once("secureConnect", () => this.enter("HTTP", answerTimeout));
    } else {
      socket.once("connect", () => this.enter("HTTP", answerTimeout));
    }
  }

  private enter(layer: Layer, milliseconds: number): void {
    this.layer = layer;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.stop("TIMEOUT"), milliseconds);
  }

  private read(response: http.IncomingMessage): void {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", (error: NodeJS.ErrnoException) => this.fail(error.code, error.message));
    response.on("end", () => {
      this.finish();
      this.resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks),
      });
    });
  }

  private stop(code: "TIMEOUT" | "DEADLINE"): void {
    this.fail(code);
    this.outgoing?.destroy();
  }

  private finish(): void {
    clearTimeout(this.timer);
    this.request.signal?.removeEventListener("abort", this.onDeadline);
  }

  private fail(code = "UNKNOWN", detail = ""): void {
    this.finish();
    this.reject(new RequestFailure(this.layer, this.explain(code, detail), { code }));
  }

  private explain(code: string, detail: string): string {
    const place = hostAndPort(this.url);
    const { connectTimeout, answerTimeout, proxy } = this.request;
    if (code === "PROXY") return printable(detail, 200);
    if (proxy !== undefined && this.layer === "TCP")
      return `no way to ${place} through the proxy ${proxy.host} (${code})`;
    if (code === "DEADLINE")
      return `no answer from ${place} when the time of the whole command (--timeout) was over`;
    const late = code === "TIMEOUT";
    const because = `${code}${detail === "" ? "" : `: ${printable(detail, 160)}`}`;
    switch (this.layer) {
      case "DNS":
        return late
          ? `the name server gave no answer for ${this.url.hostname} within ${seconds(connectTimeout)}`
          : `${this.url.hostname} does not resolve (${code})`;
      case "TCP":
        if (late || code === "ETIMEDOUT")
          return `no answer from ${place} within ${seconds(connectTimeout)}: packets are dropped on the way`;
        return code === "ECONNREFUSED"
          ? `${place} refuses connections`
          : `no connection to ${place} (${code})`;
      case "TLS":
        return late
          ? `${place} did not finish the TLS handshake within ${seconds(connectTimeout)}`
          : `TLS with ${place} failed (${because})`;
      default:
        return late
          ? `${place} accepted the request and gave no answer within ${seconds(answerTimeout)}`
          : `the connection to ${place} broke before the answer (${code})`;
    }
  }
}

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;
