import * as http from "node:http";
import * as https from "node:https";
import { BlockList, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import * as tls from "node:tls";
import type { Environment } from "./credentials";
import { printable } from "./errors";

/**
 * The proxy that the environment names for a URL (`https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`, in either case),
 * or undefined where it is asked directly.
 *
 * @throws Error that names the variable and no password
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const kind = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const found = ([kind, "all_proxy"] as const)
    .flatMap((name) => [name, name.toUpperCase()])
    .find((name) => env[name]);
  if (found === undefined || isExempt(url, env.no_proxy ?? env.NO_PROXY ?? "")) return undefined;
  const text = env[found] ?? "";
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol !== "http:" || proxy.hostname === "")
    throw new Error(`${found} must be a URL such as http://proxy.example.com:3128 (its value is not shown)`);
  return proxy;
}

/** Whether `no_proxy` names the host: itself, a domain it lies in, an address or a range of addresses, or `*`. */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      if (isIP(host) !== 0 && entry.includes("/")) return inRange(host, entry);
      const [, name = "", only] = /^(\[[^\]]+\]|[^:]*|[0-9a-fA-F:]+)(?::(\d+))?$/.exec(entry) ?? [];
      const bare = name
        .replace(/^\[|\]$/g, "")
        .replace(/^\*?\./, "")
        .toLowerCase();
      return (
        bare !== "" && (only === undefined || only === port) && (host === bare || host.endsWith(`.${bare}`))
      );
    });
}

function inRange(address: string, range: string): boolean {
  const [network = "", length] = range.split("/");
  const family = isIP(network);
  if (family === 0 || !/^\d{1,3}$/.test(length ?? "")) return false;
  try {
    const list = new BlockList();
    list.addSubnet(network, Number(length), family === 4 ? "ipv4" : "ipv6");
    return list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
  } catch {
    return false;
  }
}

/** `Proxy-Authorization` of a proxy whose URL holds a user. */
export function proxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === "") return {};
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(user).toString("base64")}` };
}

type Callback = (error: Error | null, stream: Duplex) => void;

/** Reaches https servers through a proxy, by CONNECT: the proxy sees the host's name and nothing else. */
export class TunnelAgent extends https.Agent {
  constructor(private readonly proxy: URL) {
    super({ keepAlive: true });
  }

  override createConnection(options: https.RequestOptions & { servername?: string }, callback?: Callback) {
    const target = `${options.host}:${options.port}`;
    const request = http.request({
      host: this.proxy.hostname.replace(/^\[|\]$/g, ""),
      port: this.proxy.port || 80,
      method: "CONNECT",
      path: target,
      headers: { host: target, ...proxyHeaders(this.proxy) },
      agent: false,
    });
    const fail = (message: string) =>
      (callback as ((error: Error) => void) | undefined)?.(proxyError(message));
    request.once("connect", (response, socket: Socket, rest: Buffer) => {
      if (response.statusCode === 200 && rest.length === 0) {
        const servername = isIP(options.host ?? "") === 0 ? (options.host ?? undefined) : undefined;
        callback?.(null, tls.connect({ ...(options as tls.ConnectionOptions), socket, servername }));
        return;
      }
      socket.destroy();
      fail(`the proxy ${this.proxy.host} answers ${response.statusCode} to CONNECT ${target}`);
    });
    request.once("error", (error: NodeJS.ErrnoException) =>
      fail(`the proxy ${this.proxy.host} cannot be reached (${error.code ?? printable(error.message, 80)})`),
    );
    request.end();
    return undefined;
  }
}

function proxyError(message: string): Error {
  return Object.assign(new Error(message), { code: "PROXY" });
}
