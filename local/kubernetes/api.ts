import { readFileSync } from "node:fs";
import { request } from "node:https";
import { parse } from "yaml";

interface Kubeconfig {
  clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
  users: { user: { token: string } }[];
}

/** The few calls that starting and stopping the node needs, with the credentials of a kubeconfig of ours. */
export class Api {
  private readonly server: string;
  private readonly ca: Buffer;
  private readonly token: string;

  /** @throws Error when the file is not there. */
  constructor(kubeconfigFile: string) {
    const config = parse(readFileSync(kubeconfigFile, "utf8")) as Kubeconfig;
    const cluster = config.clusters[0]?.cluster;
    const token = config.users[0]?.user.token;
    if (!cluster || !token) throw new Error(`${kubeconfigFile} holds no cluster with a token`);
    this.server = cluster.server;
    this.ca = Buffer.from(cluster["certificate-authority-data"], "base64");
    this.token = token;
  }

  /**
   * Answers the body as text.
   * @throws Error for any status but 2xx, and when there is no answer within 5 s.
   */
  call(method: "GET" | "DELETE", path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = request(
        new URL(path, this.server),
        {
          method,
          ca: this.ca,
          agent: false,
          timeout: 5000,
          headers: { authorization: `Bearer ${this.token}` },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("end", () => {
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve(text);
            else reject(new Error(`${method} ${path} answered ${status}: ${text.trim().slice(0, 300)}`));
          });
          response.on("error", reject);
        },
      );
      call.on("timeout", () => call.destroy(new Error(`${method} ${path}: no answer within 5 s`)));
      call.on("error", reject);
      call.end();
    });
  }

  async list<T>(path: string): Promise<T[]> {
    return (JSON.parse(await this.call("GET", path)) as { items: T[] }).items;
  }
}
