import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { RevokeSecurityGroupIngressCommand, type SecurityGroupRule } from "@aws-sdk/client-ec2";
import { DescribeLoadBalancersCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { readIngressRules } from "../../local/aws/account";
import { readStacks, type Stack } from "../../local/aws/stacks";
import { ensureEngine } from "../../local/engine";
import { environment } from "../../local/environment";
import { gitHub, jobCompleted } from "../../local/gitHubControl";
import { credentialsFile } from "../../local/gitHubCredentials";
import type { Job, Runner } from "../../local/github/types";
import { root } from "../../local/lib/paths";
import { processStatus } from "../../local/lib/processes";
import { type RunResult, run } from "../../local/lib/run";
import { readState } from "../../local/lib/state";
import { copyProjectIn } from "../../local/project";
import { createClients } from "../../local/providers/aws/clients";

/** The stack that the tests deploy jobs on: the one `npm start` brought up. */
export const stack = "local";
export const namespace = `digdag-runner-${stack}`;
export const deployment = "digdag-runner";

/** Stops a run early, with the remedy, instead of letting every test fail in its own way. */
export function requireLocalSystem(): void {
  if (processStatus("github") !== "running") {
    throw new Error("the local system is not running: `npm start` first, then `npm run test:system`");
  }
}

export function settingsOf(name: string): Stack {
  const found = readStacks(root).find((one) => one.stack === name);
  if (!found) throw new Error(`there is no Pulumi.${name}.yaml`);
  return found;
}

const silent = () => {};

/** Runs a command as `npm run local -- exec` does, from the configuration that is committed. */
export async function exec(command: string, args: string[], allowFailure = false): Promise<RunResult> {
  const { path } = await ensureEngine({ report: silent });
  copyProjectIn();
  return run(command, args, { env: environment(path), allowFailure });
}

/** `pulumi ACTION -s NAME`, without questions. */
export function pulumi(action: string, name: string, args: string[] = [], allowFailure = false) {
  const yes = action === "preview" ? [] : ["--yes", "--skip-preview"];
  return exec("pulumi", [action, "-s", name, "--non-interactive", ...yes, ...args], allowFailure);
}

export const kubectl = async (...args: string[]) => (await exec("kubectl", args)).stdout;

/** What the API server holds, as JSON. */
export async function get<T>(kind: string, ...args: string[]): Promise<T> {
  return JSON.parse(await kubectl("get", kind, "--namespace", namespace, "-o", "json", ...args)) as T;
}

/** Polls until `condition` holds. @throws Error naming `what` after `seconds` */
export async function until<T>(
  what: string,
  seconds: number,
  condition: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`after ${seconds} s still not so: ${what}`);
    await sleep(500);
  }
}

/** Queues a job of shell steps on the runners of `stack`. */
export async function queue(...steps: string[]): Promise<Job> {
  const { owner, repository } = settingsOf(stack);
  return gitHub.queueJob({
    name: "test",
    repository: `${owner}/${repository}`,
    labels: ["self-hosted", "digdag", stack],
    steps: steps.map((run, index) => ({ name: `step ${index + 1}`, run })),
  });
}

/** Queues a job and waits for its end. */
export async function runJob(...steps: string[]): Promise<Job> {
  return jobCompleted((await queue(...steps)).id, 120);
}

/** Registrations of a stack's pool, as GitHub lists them. */
export async function runnersOf(name: string): Promise<Runner[]> {
  return (await gitHub.runners()).filter((runner) => runner.name.startsWith(`digdag-${name}.`));
}

/** Waits until every registration of the stack's pool is online and there are `count` of them. */
export function onlineRunners(count: number): Promise<Runner[]> {
  return until(`${count} runners of ${stack} online and no other`, 120, async () => {
    const runners = await runnersOf(stack);
    return runners.length === count && runners.every(({ status }) => status === "online") && runners;
  });
}

/** What of the GitHub credentials that were seeded must turn up nowhere: tokens, lines of private keys, and either in base64. */
export function seededSecrets(): string[] {
  const credentials: Record<string, string> = JSON.parse(readFileSync(credentialsFile, "utf8"));
  return Object.values(credentials).flatMap((value) => [
    ...value.split("\n").filter((line) => line !== "" && !line.startsWith("-----")),
    // The end may be padded or not, by how the value was trimmed.
    Buffer.from(value.trim()).toString("base64").slice(0, -4),
  ]);
}

const aws = () => createClients(`http://127.0.0.1:${readState().ports.moto}`, settingsOf(stack).region);

async function albGroup(name: string): Promise<string> {
  const { loadBalancerName } = settingsOf(name);
  const found = await aws().loadBalancing.send(
    new DescribeLoadBalancersCommand({ Names: [loadBalancerName] }),
  );
  return found.LoadBalancers?.[0]?.SecurityGroups?.[0] as string;
}

async function ingressRules(GroupId: string): Promise<SecurityGroupRule[]> {
  return (await readIngressRules(aws().ec2, [GroupId]))[GroupId] ?? [];
}

/** The ranges a stack's ALB is open to, as the account holds them. */
export async function admitted(name: string): Promise<string[]> {
  return (await ingressRules(await albGroup(name))).flatMap((rule) => rule.CidrIpv4 ?? []).sort();
}

/** Removes every ingress rule of a stack's ALB, as somebody might in the console. */
export async function removeRules(name: string): Promise<void> {
  const GroupId = await albGroup(name);
  const SecurityGroupRuleIds = (await ingressRules(GroupId)).flatMap(
    (rule) => rule.SecurityGroupRuleId ?? [],
  );
  await aws().ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, SecurityGroupRuleIds }));
}
