import { setTimeout as sleep } from "node:timers/promises";
import type { SecurityGroupRule } from "@aws-sdk/client-ec2";
import type { AwsClients } from "../providers/aws/clients";
import { readIngressRules, readNetwork } from "./account";
import type { Gate } from "./alb";
import type { Firewall } from "./firewall";
import { admits, natAddressOf } from "./securityGroup";

const INTERVAL_MS = 500;

/** A load balancer by name, and where it listens. */
export interface Guarded {
  loadBalancerName: string;
  address: string;
  port: number;
}

/** Keeps what the security groups in the emulated account say in force on this machine. */
export class Enforcement {
  private natAddresses: string[] = [];
  private readonly rules = new Map<string, SecurityGroupRule[]>();
  private trouble = "";

  /** @param firewall undefined where the balancers themselves must leave connections unanswered */
  constructor(
    private readonly clients: AwsClients,
    private readonly balancers: Guarded[],
    private readonly firewall: Firewall | undefined,
    private readonly say: (line: string) => void,
  ) {}

  /** The gate of one balancer, or of a server that everybody may reach. */
  gate(balancer?: Guarded): Gate {
    const publicAddress = (podAddress: string) => natAddressOf(podAddress, this.natAddresses) ?? podAddress;
    return {
      publicAddress,
      admits: (podAddress) =>
        balancer === undefined ||
        this.firewall !== undefined ||
        admits(this.rules.get(balancer.loadBalancerName) ?? [], publicAddress(podAddress), balancer.port),
    };
  }

  /** Reads the account and puts it in force once. */
  async synchronize(): Promise<void> {
    const names = this.balancers.map(({ loadBalancerName }) => loadBalancerName);
    const { natAddresses, groups } = await readNetwork(this.clients, names);
    const byGroup = await readIngressRules(this.clients.ec2, [...new Set(Object.values(groups).flat())]);
    this.natAddresses = natAddresses;
    for (const name of names) {
      this.rules.set(
        name,
        (groups[name] ?? []).flatMap((group) => byGroup[group] ?? []),
      );
    }
    const guarded = this.balancers.map((balancer) => ({
      ...balancer,
      rules: this.rules.get(balancer.loadBalancerName) ?? [],
    }));
    if (await this.firewall?.apply(guarded, natAddresses)) {
      this.say("the security groups changed: new firewall rules are in force");
    }
  }

  /** Synchronizes until aborted. What is in force stays so while the account does not answer. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.synchronize();
        this.trouble = "";
      } catch (error) {
        const trouble = error instanceof Error ? error.message : String(error);
        if (trouble !== this.trouble) {
          this.say(`the security groups could not be read, the last rules stay in force: ${trouble}`);
        }
        this.trouble = trouble;
      }
      await sleep(INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
  }
}
