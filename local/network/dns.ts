import { Resolver } from "node:dns/promises";
import { requireCommand } from "../install";
import { startProcess } from "../lib/processes";
import type { Report } from "../lib/run";
import { bridge } from "./addresses";

/** Arguments of dnsmasq for the given names; every other name does not exist, and that is said at once. */
export function dnsmasqArguments(hosts: Record<string, string>): string[] {
  return [
    "--keep-in-foreground",
    "--log-facility=-",
    "--conf-file=/dev/null",
    "--pid-file=",
    "--user=root",
    "--no-resolv",
    "--no-hosts",
    "--no-dhcp-interface=*",
    "--bind-interfaces",
    "--except-interface=lo",
    `--listen-address=${bridge.address}`,
    "--port=53",
    "--local=/#/",
    ...Object.keys(hosts)
      .sort()
      .map((name) => `--host-record=${name},${hosts[name]}`),
  ];
}

/**
 * Serves the names of the stand-ins to Pods, on port 53 of the bridge. Asks no other server.
 * @param options.hosts IPv4 address by fully qualified name
 */
export async function startDns(options: { hosts: Record<string, string>; report: Report }): Promise<void> {
  const [name, address] = Object.entries(options.hosts)[0] ?? [];
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([bridge.address]);
  options.report(`dnsmasq on ${bridge.address}:53`);
  await startProcess("dnsmasq", requireCommand("dnsmasq"), dnsmasqArguments(options.hosts), {
    ready: async () => !name || (await resolver.resolve4(name)).includes(address as string),
    readySeconds: 10,
  });
}
