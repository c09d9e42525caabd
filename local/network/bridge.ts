import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Report, run } from "../lib/run";
import { bridge, serverAddresses } from "./addresses";

/** Set on the interface so that `npm stop` removes a bridge of ours and nobody else's. */
const owner = "digdag-runner";

interface Link {
  ifname: string;
  ifalias?: string;
}

interface Route {
  dst: string;
  dev: string;
}

async function ip<T>(...args: string[]): Promise<T> {
  const { stdout } = await run("ip", ["-json", ...args]);
  return JSON.parse(stdout || "[]") as T;
}

const toNumber = (address: string): number =>
  address.split(".").reduce((number, part) => number * 256 + Number(part), 0);

/** Whether two IPv4 networks in CIDR notation share an address; `default` shares none. */
export function overlaps(one: string, other: string): boolean {
  if (one === "default" || other === "default") return false;
  const range = (cidr: string): [number, number] => {
    const [address, length = "32"] = cidr.split("/") as [string, string?];
    const size = 2 ** (32 - Number(length));
    const first = Math.floor(toNumber(address) / size) * size;
    return [first, first + size - 1];
  };
  const [firstStart, firstEnd] = range(one);
  const [otherStart, otherEnd] = range(other);
  return firstStart <= otherEnd && otherStart <= firstEnd;
}

const bridgeExists = () => existsSync(join("/sys/class/net", bridge.name));

async function isOurs(): Promise<boolean> {
  const [link] = await ip<Link[]>("link", "show", "dev", bridge.name);
  return link?.ifalias === owner;
}

async function refuseClash(): Promise<void> {
  if (bridgeExists() && !(await isOurs())) {
    throw new Error(
      `the network interface ${bridge.name} belongs to something else (another Kubernetes or Podman?); ` +
        `stop that, or remove the interface with: ip link delete ${bridge.name}`,
    );
  }
  const routes = await ip<Route[]>("-4", "route", "show");
  const taken = routes.find((route) => route.dev !== bridge.name && overlaps(route.dst, bridge.subnet));
  if (taken) {
    throw new Error(
      `the network ${bridge.subnet} of the local system is in use: ${taken.dst} is routed to ${taken.dev}; ` +
        "stop what uses it while the local system runs",
    );
  }
}

/**
 * Makes the bridge with the host's addresses on it.
 * @throws Error when its name or its network already belong to something else.
 */
export async function ensureBridge({ report }: { report: Report }): Promise<void> {
  await refuseClash();
  if (!bridgeExists()) {
    report(`bridge ${bridge.name}`);
    await run("ip", ["-batch", "-"], {
      input: `link add ${bridge.name} type bridge\nlink set ${bridge.name} alias ${owner}\n`,
    });
  }
  const addresses = [
    `${bridge.address}/${bridge.prefixLength}`,
    ...Object.values(serverAddresses).map((address) => `${address}/32`),
  ];
  for (const address of addresses) await run("ip", ["address", "replace", address, "dev", bridge.name]);
  await run("ip", ["link", "set", bridge.name, "address", bridge.hardwareAddress, "up"]);
}

/** Removes the bridge and its addresses, if it is ours. */
export async function removeBridge(): Promise<void> {
  if (bridgeExists() && (await isOurs())) await run("ip", ["link", "delete", bridge.name]);
}
