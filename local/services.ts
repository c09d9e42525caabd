import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AlbConfiguration } from "./aws/albMain";
import { ensureMoto, motoAnswers, motoArguments } from "./aws/moto";
import { seedAccount } from "./aws/seed";
import type { Stack } from "./aws/stacks";
import { credentials, tokensAndApps } from "./gitHubCredentials";
import type { GitHubOptions } from "./github/types";
import { registryAddress } from "./kubernetes";
import { root, stateDir } from "./lib/paths";
import { portFor } from "./lib/ports";
import { logFile, startProcess } from "./lib/processes";
import type { Report } from "./lib/run";
import { readState, updateState } from "./lib/state";
import { withTypeScript } from "./lib/typescript";
import { bridge, ensureCertificate, serverAddresses } from "./network";

/** The address of each stack's load balancer on the bridge, in the order of the stacks. */
const albAddresses = [serverAddresses.albLocal, serverAddresses.albStg, serverAddresses.albPrd];

const egressHost = "checkip.amazonaws.com";
const gitHubHosts = ["github.com", "api.github.com"];

export const hostOf = (stack: Stack): string => new URL(stack.digdagEndpoint).hostname;

export function albAddress(stacks: Stack[], stack: Stack): string {
  const address = albAddresses[stacks.indexOf(stack)];
  if (!address)
    throw new Error(
      `the local system has addresses for ${albAddresses.length} stacks, not for ${stack.stack}`,
    );
  return address;
}

/** Every name that Pods resolve, with its address. */
export function hostNames(stacks: Stack[]): Record<string, string> {
  return {
    ...Object.fromEntries(gitHubHosts.map((host) => [host, serverAddresses.github])),
    ...Object.fromEntries(stacks.map((stack) => [hostOf(stack), albAddress(stacks, stack)])),
    [egressHost]: serverAddresses.egress,
  };
}

/** Starts a TypeScript program of the local system as a process of its own. */
function startProgram(
  name: string,
  program: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; configuration?: string; ready: () => Promise<boolean> },
): Promise<void> {
  const command = [...withTypeScript, join(__dirname, program), ...args];
  return startProcess(name, process.execPath, command, { cwd: root, ...options });
}

/** Starts a program whose one argument is the file that holds its configuration. */
function startConfigured(
  name: string,
  program: string,
  content: object,
  ready: () => Promise<boolean>,
): Promise<void> {
  const directory = join(stateDir, "configuration");
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${name}.json`);
  const configuration = JSON.stringify(content, null, 2);
  writeFileSync(file, configuration, { mode: 0o600 });
  const digest = createHash("sha256").update(configuration).digest("hex");
  return startProgram(name, program, [file], { configuration: digest, ready });
}

/** The emulated AWS account, with what a team has before it uses this product. */
export async function startAws(stacks: Stack[], report: Report): Promise<void> {
  const binary = await ensureMoto(report);
  const port = await portFor("moto", 5080);
  const endpoint = `http://127.0.0.1:${port}`;
  await startProcess("moto", binary, motoArguments(port), { ready: () => motoAnswers(endpoint) });
  await seedAccount(endpoint, stacks, credentials(stacks));
}

/** GitHub: on its real names for Pods, with the control API on loopback. */
export async function startGitHub(stacks: Stack[]): Promise<void> {
  const pair = await ensureCertificate("github", { hosts: gitHubHosts });
  const controlPort = await portFor("github-control", 5082);
  const options: Omit<GitHubOptions, "tls"> & { tls: { certFile: string; keyFile: string } } = {
    host: serverAddresses.github,
    port: 443,
    controlPort,
    publicUrl: "https://github.com",
    tls: { certFile: pair.certificate, keyFile: pair.key },
    stateDirectory: join(stateDir, "github"),
    ...tokensAndApps(stacks),
  };
  const answers = async () => (await fetch(`http://127.0.0.1:${controlPort}/_local/runners`)).ok;
  await startConfigured("github", "github/main.ts", options, answers);
}

export function digdagUrl(stack: string): string {
  return `http://127.0.0.1:${readState().ports[`digdag-${stack}`]}`;
}

/** One Digdag server for each stack. */
export async function startDigdags(stacks: Stack[]): Promise<void> {
  await Promise.all(
    stacks.map(async ({ stack }, index) => {
      const name = `digdag-${stack}`;
      const port = await portFor(name, 5090 + index);
      const state = join(stateDir, "digdag", `${stack}.json`);
      mkdirSync(join(stateDir, "digdag"), { recursive: true });
      await startProgram(name, "digdag/main.ts", ["--port", String(port), "--state", state], {
        ready: async () => (await fetch(`${digdagUrl(stack)}/api/version`)).ok,
      });
    }),
  );
}

/** The load balancers in front of them, and checkip. */
export async function startAlbs(stacks: Stack[]): Promise<void> {
  const listen = async (name: string, host: string, address: string) => {
    const pair = await ensureCertificate(name, { hosts: [host] });
    return { address, certificate: pair.certificate, key: pair.key };
  };
  const configuration: AlbConfiguration = {
    endpoint: `http://127.0.0.1:${readState().ports.moto}`,
    region: stacks[0]?.region as string,
    // Another cluster's Pods do not come over our bridge: there the proxy itself leaves connections unanswered.
    ...(!readState().context && { bridge: bridge.name }),
    balancers: await Promise.all(
      stacks.map(async (stack) => ({
        ...(await listen(`alb-${stack.stack}`, hostOf(stack), albAddress(stacks, stack))),
        loadBalancerName: stack.loadBalancerName,
        target: digdagUrl(stack.stack),
      })),
    ),
    checkIp: await listen("checkip", egressHost, serverAddresses.egress),
  };
  const inForce = async () => readFileSync(logFile("alb"), "utf8").includes('"enforcedBy"');
  await startConfigured("alb", "aws/albMain.ts", configuration, inForce);
}

const portsLine = /^\{"aws":.*\}$/m;

/**
 * The provider stand-ins. Their ports change with each start of the process, so they are read from what it prints.
 * @param buildArguments what replaces the program's own build arguments, since nothing can be pulled
 */
export async function startProviders(buildArguments: Record<string, string>): Promise<void> {
  const said = () => portsLine.exec(readFileSync(logFile("providers"), "utf8"))?.[0];
  const { ports, context } = readState();
  const settings = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${ports.moto}`,
    LOCAL_KUBECONFIG: join(stateDir, "kubeconfig"),
    ...(context && { LOCAL_KUBE_CONTEXT: context }),
    LOCAL_DOCKER_HOST: `unix://${join(stateDir, "run", "docker.sock")}`,
    LOCAL_REGISTRY: await registryAddress(),
    LOCAL_BUILD_ARGS: JSON.stringify(buildArguments),
  };
  await startProgram("providers", "providers/main.ts", [], {
    env: { PATH: process.env.PATH, ...settings },
    configuration: JSON.stringify(settings),
    ready: async () => said() !== undefined,
  });
  updateState({ providers: JSON.parse(said() as string) });
}
