import * as http from "node:http";
import * as https from "node:https";

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer;
  /** Sends the body without a Content-Length. */
  chunked?: boolean;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** The body as JSON; reading it throws when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read single fields of it
  readonly json: any;
}

/** Sends one request as it is, with nothing added that the contract is about, and reads the whole answer. */
export function send(url: URL, { method = "GET", headers = {}, body, chunked }: Call): Promise<Answer> {
  const length: Record<string, string> = body && !chunked ? { "content-length": String(body.length) } : {};
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(
      url,
      { method, headers: { ...length, ...headers }, timeout: 30_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            get json() {
              return JSON.parse(this.body.toString("utf8"));
            },
          }),
        );
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer to ${method} ${url.pathname}`)));
    request.on("error", reject);
    // In pieces, because Node.js gives a length to a body that it is handed at once.
    if (body && chunked) request.write(body);
    request.end(chunked ? undefined : body);
  });
}
