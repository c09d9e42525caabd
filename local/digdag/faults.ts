import type { ServerResponse } from "node:http";
import { cutOff } from "../lib/cutOff";

/** What goes wrong instead of the right answer. */
export type Trouble =
  | { kind: "status"; status: number; message?: string; headers?: Record<string, string> }
  /** An error page with a Java stack trace, as the real server sends for an unhandled exception. */
  | { kind: "html"; status?: number }
  /** The right answer, late. */
  | { kind: "delay"; milliseconds: number }
  /** No answer, with the connection left open. */
  | { kind: "hang" }
  /** The connection is cut. */
  | { kind: "reset" };

/** A fault to order. It strikes requests that match, `times` times (default 1), and is then gone. */
export type Fault = Trouble & {
  /** Such as `PUT`; default: every method. */
  method?: string;
  /** Start of the path, such as `/api/projects`; default: every path. */
  path?: string;
  times?: number;
  /** Carry out the request first; only its answer is lost. */
  commit?: boolean;
};

/** The faults on order. */
export class Faults {
  private pending: Fault[] = [];
  /** How many requests faults have struck since the start. */
  hits = 0;

  add(fault: Fault): void {
    this.pending.push({ ...fault });
  }

  clear(): void {
    this.pending = [];
  }

  /** The fault for this request, if one is on order; counts it. */
  take(method: string, path: string): Fault | undefined {
    const fault = this.pending.find(
      (candidate) => (candidate.method ?? method) === method && path.startsWith(candidate.path ?? "/"),
    );
    if (fault === undefined) return undefined;
    this.hits += 1;
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) this.pending = this.pending.filter((candidate) => candidate !== fault);
    return fault;
  }
}

const STACK_TRACE = `<html><head><title>ERROR</title></head><body><pre>java.lang.IllegalStateException: database password=stand-in-database-password rejected
	at io.digdag.core.database.BasicDatabaseStoreManager.transaction(BasicDatabaseStoreManager.java:217)
	at io.digdag.server.rs.ProjectResource.putProject(ProjectResource.java:711)
</pre></body></html>`;

/** Answers with the trouble; `delay` is the caller's business. */
export function strike(fault: Exclude<Trouble, { kind: "delay" }>, response: ServerResponse): void {
  switch (fault.kind) {
    case "hang":
      return;
    case "reset":
      if (response.socket) cutOff(response.socket);
      return;
    case "html":
      response.writeHead(fault.status ?? 500, { "content-type": "text/html" }).end(STACK_TRACE);
      return;
    case "status":
      response
        .writeHead(fault.status, { "content-type": "application/json", ...fault.headers })
        .end(
          JSON.stringify({ message: fault.message ?? `ordered fault ${fault.status}`, status: fault.status }),
        );
  }
}
