import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";
import type { ReadinessReport } from "./readiness";

/** Serves /livez, /readyz (JSON: ReadinessReport, status 200 or 503) and /metrics on every address of the Pod. */
export async function serveHealth(
  port: number,
  readiness: () => ReadinessReport,
  metrics: Registry,
): Promise<Server> {
  const server = createServer((request, response) => {
    const send = (status: number, type: string, body: string) =>
      response.writeHead(status, { "content-type": type }).end(body);
    switch (request.url) {
      case "/livez":
        send(200, "text/plain", "ok\n");
        break;
      case "/readyz": {
        const report = readiness();
        send(report.ready ? 200 : 503, "application/json", `${JSON.stringify(report)}\n`);
        break;
      }
      case "/metrics":
        void metrics.metrics().then((text) => send(200, metrics.contentType, text));
        break;
      default:
        send(404, "text/plain", "only /livez, /readyz and /metrics are served\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, resolve);
  });
  return server;
}
