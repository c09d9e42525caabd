import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeSecurityGroupRulesCommand, type SecurityGroupRule } from "@aws-sdk/client-ec2";
import type { Network } from "../../local/aws/account";
import { ensureMoto, motoAnswers, motoArguments } from "../../local/aws/moto";
import { seedAccount } from "../../local/aws/seed";
import { readStacks } from "../../local/aws/stacks";
import { newCredential } from "../../local/gitHubCredentials";
import { root } from "../../local/lib/paths";
import { type AwsClients, createClients } from "../../local/providers/aws/clients";

const READY_MS = 30_000;
/** The first run may build the engine from source. */
export const SETUP_MS = 20 * 60_000;
/** Only a command that hangs takes this long. */
export const COMMAND_MS = 5 * 60_000;

/** An emulated AWS account of its own, on a free loopback port. */
export class Account {
  private readonly stacks = readStacks(root);
  /** By the stack's name: what its SSM parameter holds, a token or an App's private key; random, to be found by its value. */
  readonly credentials = Object.fromEntries(this.stacks.map((stack) => [stack.stack, newCredential(stack)]));

  private constructor(
    private readonly server: ChildProcess,
    readonly endpoint: string,
    readonly clients: AwsClients,
  ) {}

  /** Starts moto; installs it the first time (about a minute). */
  static async start(): Promise<Account> {
    const binary = await ensureMoto((line) => console.error(line));
    const port = await freePort();
    const server = spawn(binary, motoArguments(port), { stdio: "ignore" });
    process.once("exit", () => server.kill());
    const endpoint = `http://127.0.0.1:${port}`;
    const deadline = Date.now() + READY_MS;
    while (!(await motoAnswers(endpoint))) {
      if (Date.now() > deadline || server.exitCode !== null) {
        server.kill();
        throw new Error(`moto did not answer at ${endpoint} within ${READY_MS} ms`);
      }
      await sleep(100);
    }
    return new Account(server, endpoint, createClients(endpoint, "ap-northeast-1"));
  }

  /** Empties the account and seeds it anew. */
  async reset(): Promise<Network> {
    await fetch(`${this.endpoint}/moto-api/reset`, { method: "POST" });
    return seedAccount(this.endpoint, this.stacks, this.credentials);
  }

  /** The rules of some security groups for what comes in. */
  async ingressRules(groupIds: string[]): Promise<SecurityGroupRule[]> {
    const { SecurityGroupRules = [] } = await this.clients.ec2.send(
      new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: "group-id", Values: groupIds }] }),
    );
    return SecurityGroupRules.filter(({ IsEgress }) => !IsEgress);
  }

  async stop(): Promise<void> {
    this.server.kill();
    await once(this.server, "exit");
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
