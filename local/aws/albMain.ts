/**
 * The load balancers of all stacks and checkip as one process: `local/aws/albMain.ts CONFIGURATION.json`.
 * Prints one line of JSON, `{"enforcedBy":"iptables"|"proxy"}`, once every server listens and the rules are in force.
 */
import { readFileSync } from "node:fs";
import { createClients } from "../providers/aws/clients";
import { type Listen, startBalancer, startCheckIp } from "./alb";
import { Enforcement } from "./enforcement";
import { Firewall } from "./firewall";

/** The content of the configuration file. */
export interface AlbConfiguration {
  /** URL of the emulated account, and its region. */
  endpoint: string;
  region: string;
  /** Interface that Pods come from, such as `cni0`; absent enforces in the proxy. */
  bridge?: string;
  balancers: (Listen & {
    loadBalancerName: string;
    /** URL of the stack's Digdag. */
    target: string;
  })[];
  checkIp?: Listen;
}

const say = (line: string) => console.error(`[ALB stand-in] ${line}`);

async function main(file: string): Promise<void> {
  const configuration = JSON.parse(readFileSync(file, "utf8")) as AlbConfiguration;
  const firewall = configuration.bridge ? await Firewall.open(configuration.bridge) : undefined;
  if (!firewall) {
    say("no firewall here: connections that a security group refuses are left unanswered by the proxy");
  }
  const clients = createClients(configuration.endpoint, configuration.region);
  const guarded = configuration.balancers.map((balancer) => ({ port: 443, ...balancer }));
  const enforcement = new Enforcement(clients, guarded, firewall, say);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => stop.abort());
  }
  try {
    await enforcement.synchronize();
    for (const balancer of guarded) {
      await startBalancer(balancer, balancer.target, enforcement.gate(balancer));
    }
    if (configuration.checkIp) {
      await startCheckIp(configuration.checkIp, enforcement.gate());
    }
    console.log(JSON.stringify({ enforcedBy: firewall ? "iptables" : "proxy" }));
    await enforcement.follow(stop.signal);
  } finally {
    await firewall?.close();
  }
}

main(process.argv[2] ?? "").then(
  () => process.exit(0),
  (error) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
