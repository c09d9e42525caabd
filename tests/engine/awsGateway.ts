import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type AwsRequest, requiredRights } from "./awsRights";
import { allows, type Policy } from "./iamPolicy";

/** Stands before the emulated account, which knows no rights, and lets through what one policy allows. */
export class AwsGateway {
  /** What the caller may do; replaced to become another caller. */
  policy: Policy = { Statement: [] };
  /** Actions that were needed so far, allowed or not. */
  readonly needed = new Set<string>();
  /** `ACTION on RESOURCE` that the policy did not allow. */
  readonly refused: string[] = [];

  private constructor(
    private readonly account: string,
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  /** @param account URL of the emulated account */
  static async start(account: string): Promise<AwsGateway> {
    const server = createServer((request, response) => {
      gateway.serve(request, response).catch((error) => response.destroy(error));
    });
    const gateway = new AwsGateway(account, server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return gateway;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const asked: AwsRequest = { method, url, headers, body: Buffer.concat(chunks).toString() };
    const rights = requiredRights(asked);
    for (const { action } of rights) this.needed.add(action);
    const missing = rights.find((right) => !allows(this.policy, right));
    if (missing) {
      const what = `${missing.action} on ${missing.resource}`;
      this.refused.push(what);
      const message = `User is not authorized to perform: ${what}`;
      const isXml = headers["content-type"]?.includes("x-www-form-urlencoded");
      response.writeHead(403, isXml ? {} : { "x-amzn-errortype": "AccessDeniedException" });
      response.end(isXml ? xmlError(message) : JSON.stringify({ __type: "AccessDeniedException", message }));
      return;
    }
    const { host: _, connection: __, "content-length": ___, ...forwarded } = headers;
    const answer = await fetch(`${this.account}${url}`, {
      method,
      headers: forwarded as Record<string, string>,
      ...(asked.body !== "" && { body: asked.body }),
    });
    const kept = ["content-type", "x-amzn-errortype"].flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    response.writeHead(answer.status, Object.fromEntries(kept));
    response.end(await answer.text());
  }
}

/** In the shape of EC2, which calls it UnauthorizedOperation, and in that of the other services at once. */
function xmlError(message: string): string {
  const error = `<Error><Code>UnauthorizedOperation</Code><Message>${message}</Message></Error>`;
  return `<Response><Errors>${error}</Errors>${error}<RequestID>0</RequestID></Response>`;
}
