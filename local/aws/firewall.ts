import { findCommand } from "../install";
import { run } from "../lib/run";
import { chainRules, type GuardedAddress } from "./securityGroup";

const CHAIN = "DIGDAG-RUNNER-ALB";
/** Seconds to wait for the lock that other users of iptables hold. */
const LOCK = ["--wait", "10"];

/** The chain that packets from the bridge to the load balancers go through. */
export class Firewall {
  private applied = "";

  private constructor(private readonly bridge: string) {}

  /**
   * Hooks an empty chain into INPUT for packets from `bridge`, after what an earlier run left was removed.
   *
   * @returns undefined where this process may not change the firewall, or has none
   */
  static async open(bridge: string): Promise<Firewall | undefined> {
    if (!findCommand("iptables") || !findCommand("iptables-restore")) {
      return undefined;
    }
    const firewall = new Firewall(bridge);
    if ((await iptables(["-S", "INPUT"])) !== 0) {
      return undefined;
    }
    await firewall.close();
    await firewall.restore(chainRules(CHAIN, [], []));
    await iptables(["-I", "INPUT", "1", "-i", bridge, "-j", CHAIN]);
    return firewall;
  }

  /** Puts new rules in force at once; does nothing when they are those in force. Returns whether something changed. */
  async apply(balancers: GuardedAddress[], natAddresses: string[]): Promise<boolean> {
    const text = chainRules(CHAIN, balancers, natAddresses);
    if (text === this.applied) {
      return false;
    }
    await this.restore(text);
    this.applied = text;
    return true;
  }

  /** Removes the chain and the way into it. */
  async close(): Promise<void> {
    while ((await iptables(["-D", "INPUT", "-i", this.bridge, "-j", CHAIN])) === 0);
    await iptables(["-F", CHAIN]);
    await iptables(["-X", CHAIN]);
  }

  private async restore(text: string): Promise<void> {
    await run(findCommand("iptables-restore") ?? "iptables-restore", [...LOCK, "--noflush"], {
      input: text,
      timeoutSeconds: 20,
    });
  }
}

async function iptables(args: string[]): Promise<number> {
  const command = findCommand("iptables") ?? "iptables";
  const { code } = await run(command, [...LOCK, ...args], { allowFailure: true, timeoutSeconds: 20 });
  return code;
}
