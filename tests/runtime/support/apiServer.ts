import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { generate } from "selfsigned";

/** Answers like a Kubernetes API server, as far as the deletion of a Pod goes, and keeps what it was asked. */
export class ApiServer {
  readonly requests: string[] = [];
  /** Statuses of the next answers; afterwards 200. */
  answers: number[] = [];

  private constructor(
    private readonly server: Server,
    private readonly accountDirectory: string,
  ) {}

  /** @param accountDirectory gets what the kubelet would mount: the account's token and the server's CA */
  static async start(accountDirectory: string): Promise<ApiServer> {
    const { cert, private: key } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
      keyType: "ec",
      algorithm: "sha256",
      extensions: [
        { name: "basicConstraints", cA: true },
        { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
      ],
    });
    writeFileSync(join(accountDirectory, "ca.crt"), cert);
    writeFileSync(join(accountDirectory, "token"), "token-of-the-service-account\n");
    const server = createServer({ cert, key });
    const api = new ApiServer(server, accountDirectory);
    server.on("request", ({ method, url }, response) => {
      api.requests.push(`${method} ${url}`);
      const status = api.answers.shift() ?? 200;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "Status", message: `status ${status}` }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return api;
  }

  /** What the broker is told of it. */
  get variables(): Record<string, string> {
    return {
      POD_PER_JOB: "1",
      POD_NAMESPACE: "runners",
      SERVICE_ACCOUNT_DIR: this.accountDirectory,
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String((this.server.address() as AddressInfo).port),
    };
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
