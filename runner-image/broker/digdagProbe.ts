import * as http from "node:http";
import * as https from "node:https";
import { isIP, type Socket } from "node:net";
import { messageOf } from "../shared/log";

/** The layers between this Pod and a working Digdag, from the lowest. */
export type ProbeLayer = "DNS" | "TCP" | "TLS" | "HTTP" | "auth" | "database";

export type ProbeResult = { reachable: true } | { reachable: false; layer: ProbeLayer; detail: string };

interface Answer {
  status: number;
}

/**
 * Asks Digdag for its version and then for one project: the first answers even where the database behind it is broken. 401
 * counts as reachable: the runner has no Digdag credential, the workflow brings its own.
 */
export async function probeDigdag(endpoint: string, timeoutMs = 5000): Promise<ProbeResult> {
  for (const path of ["/api/version", "/api/projects?count=1"]) {
    const answer = await get(`${endpoint}${path}`, timeoutMs);
    if ("layer" in answer) return { reachable: false, ...answer };
    const refused = judgeAnswer(path, answer.status);
    if (refused) return { reachable: false, ...refused };
  }
  return { reachable: true };
}

/** What an HTTP status of one of the two paths means; undefined when it is good. */
export function judgeAnswer(path: string, status: number): { layer: ProbeLayer; detail: string } | undefined {
  const isVersion = path === "/api/version";
  if (status === 200 || (status === 401 && !isVersion)) return undefined;
  const answered = `GET ${path} was answered with ${status}`;
  if (status === 401 || (status >= 300 && status < 400)) {
    return { layer: "auth", detail: `${answered}: something before Digdag asks for a login` };
  }
  if (status === 403) return { layer: "auth", detail: `${answered}: access is refused` };
  if (status === 502 || status === 503 || status === 504) {
    return { layer: "HTTP", detail: `${answered}: the load balancer has no healthy Digdag behind it` };
  }
  if (status >= 500 && !isVersion) {
    return {
      layer: "database",
      detail: `${answered}, though /api/version works: Digdag's database is broken`,
    };
  }
  return { layer: "HTTP", detail: `${answered}: this is not a working Digdag` };
}

/**
 * One message for a failed probe.
 * @param egressAddress the public address this Pod leaves from, or why it is not known
 */
export function explainProbe(
  endpoint: string,
  result: { layer: ProbeLayer; detail: string },
  egressAddress: string,
): string {
  return (
    `Digdag at ${endpoint} cannot be used from this Pod, so no runner is registered. ` +
    `Layer that failed: ${result.layer} (${result.detail}). This Pod leaves from ${egressAddress}.${advice(result.layer)}`
  );
}

function advice(layer: ProbeLayer): string {
  if (layer === "TCP")
    return " Check that the load balancer's security group allows that address: pulumi up --refresh.";
  if (layer === "DNS") return " Check digdagEndpoint and the cluster's DNS.";
  if (layer === "TLS") return " Check the certificate, and that the image trusts the CA that signed it.";
  return "";
}

function get(url: string, timeoutMs: number): Promise<Answer | { layer: ProbeLayer; detail: string }> {
  return new Promise((resolve) => {
    const target = new URL(url);
    const secure = target.protocol === "https:";
    let layer: ProbeLayer = isIP(target.hostname.replace(/[[\]]/g, "")) ? "TCP" : "DNS";
    const request = (secure ? https : http).get(target, { agent: false }, (response) => {
      response.resume();
      clearTimeout(deadline);
      resolve({ status: response.statusCode ?? 0 });
      request.destroy();
    });
    const fail = (detail: string) => {
      clearTimeout(deadline);
      resolve({ layer, detail });
      request.destroy();
    };
    const deadline = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    request.on("socket", (socket: Socket) => {
      socket.on("lookup", (error) => {
        if (!error) layer = "TCP";
      });
      socket.on("connect", () => {
        layer = secure ? "TLS" : "HTTP";
      });
      socket.on("secureConnect", () => {
        layer = "HTTP";
      });
    });
    request.on("error", (error) => fail(messageOf(error)));
  });
}
