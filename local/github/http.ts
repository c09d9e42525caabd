import type { IncomingMessage, ServerResponse } from "node:http";

/** What a route answers; `json` and `body` exclude each other. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  json?: unknown;
  body?: string | Buffer;
}

/** A request as routes see it. */
export interface Call {
  method: string;
  /** Decoded path without query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: Buffer;
  /** Aborted when the client went away. */
  signal: AbortSignal;
}

/** @throws SyntaxError when the body is not JSON; an empty body is `{}` */
export function json(call: Call): unknown {
  return call.body.length === 0 ? {} : JSON.parse(call.body.toString("utf8"));
}

/** The credential of an Authorization header (`Bearer X` or `token X`), or undefined. */
export function credential(call: Call): string | undefined {
  return /^(?:bearer|token) +(\S+)$/i.exec(call.headers.authorization ?? "")?.[1];
}

/** @throws URIError for a path that is not valid percent-encoding */
export async function readCall(request: IncomingMessage, signal: AbortSignal): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? "/", "http://stand-in");
  return {
    method: request.method ?? "GET",
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks),
    signal,
  };
}

export function send(response: ServerResponse, reply: Reply, extra: Record<string, string> = {}): void {
  const body = reply.json === undefined ? reply.body : JSON.stringify(reply.json);
  const type = reply.json === undefined ? {} : { "content-type": "application/json; charset=utf-8" };
  response.writeHead(reply.status, { ...type, ...extra, ...reply.headers });
  response.end(body);
}

/**
 * One page of a list and GitHub's Link header for it.
 * @param url absolute URL of the list without query
 */
export function paginate<T>(items: T[], url: string, query: URLSearchParams): { page: T[]; link?: string } {
  const perPage = Math.min(100, Math.max(1, Number(query.get("per_page")) || 30));
  const page = Math.max(1, Number(query.get("page")) || 1);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const link = (number: number, rel: string) => {
    const parameters = new URLSearchParams(query);
    parameters.set("per_page", String(perPage));
    parameters.set("page", String(number));
    return `<${url}?${parameters}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, "prev"), link(1, "first")] : []),
    ...(page < last ? [link(page + 1, "next"), link(last, "last")] : []),
  ];
  return {
    page: items.slice((page - 1) * perPage, page * perPage),
    ...(links.length > 0 && { link: links.join(", ") }),
  };
}
