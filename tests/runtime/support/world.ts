import { chownSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Digdag, startDigdag } from "../../../local/digdag";
import { type GitHub, type GitHubOptions, startGitHub } from "../../../local/github/server";
import type { ReadinessReport } from "../../../runner-image/broker/readiness";
import { bundles, openDirectory, Program, scratchDirectory } from "./program";
import { until } from "./until";

/** uid of the broker where tests run as root; the supervisor's is another. */
export const BROKER_UID = 61002;
export const SHARED_GID = 61001;

export const REPOSITORY = "acme/workflows";
export const LABELS = ["self-hosted", "linux", "x64", "digdag", "stg"];
export const EGRESS_ADDRESS = "203.0.113.10";

let worlds = 0;

/** Everything around one runner Pod: stand-ins for GitHub and Digdag, an address service, and the broker as a process. */
export class World {
  readonly directory = openDirectory(join(scratchDirectory(), `world-${++worlds}`));
  readonly credentialFile = join(this.directory, "credential");
  readonly stateDirectory = openDirectory(join(this.directory, "state"));
  readonly leaseDirectory = openDirectory(join(this.directory, "lease"));
  readonly leaseSocket = join(this.leaseDirectory, "broker.sock");
  broker!: Program;

  private constructor(
    readonly github: GitHub,
    readonly digdag: Digdag,
    private readonly egress: Server,
    private readonly httpPort: number,
  ) {}

  static async create(token: string, options: GitHubOptions = {}): Promise<World> {
    const github = await startGitHub({
      tokens: [{ value: token, scopes: ["*"], expiresAt: "2036-01-01T00:00:00Z" }],
      timings: { sessionGrace: 300 },
      ...options,
    });
    await github.addRepository(REPOSITORY);
    const egress = createServer((_request, response) => response.end(`${EGRESS_ADDRESS}\n`));
    await new Promise<void>((resolve) => egress.listen(0, "127.0.0.1", resolve));
    const world = new World(github, await startDigdag(), egress, await freePort());
    world.writeCredential(token);
    if (process.getuid?.() === 0) {
      for (const path of [world.stateDirectory, world.leaseDirectory])
        chownSync(path, BROKER_UID, SHARED_GID);
    }
    return world;
  }

  /** A token or, for an App, its private key. */
  writeCredential(text: string): void {
    writeFileSync(this.credentialFile, `${text}\n`);
  }

  /** Starts the broker, again after one has ended. */
  async startBroker(env: Record<string, string> = {}): Promise<Program> {
    const script = join(await bundles(), "broker.js");
    const command = [process.execPath, script];
    const asOther =
      process.getuid?.() === 0
        ? ["setpriv", `--reuid=${BROKER_UID}`, `--regid=${SHARED_GID}`, "--clear-groups"]
        : [];
    const [program = "", ...args] = [...asOther, ...command];
    this.broker = new Program(program, args, { PATH: process.env.PATH, ...this.brokerEnvironment(), ...env });
    await this.broker.logged("waits for its supervisor", 20_000);
    return this.broker;
  }

  async readiness(): Promise<ReadinessReport> {
    const answer = await fetch(`http://127.0.0.1:${this.httpPort}/readyz`);
    const report = (await answer.json()) as ReadinessReport;
    if (answer.ok !== report.ready)
      throw new Error(`/readyz answered ${answer.status} to ready=${report.ready}`);
    return report;
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.httpPort}/metrics`)).text();
  }

  /** Waits until /readyz says so, or until its reason matches. */
  async ready(expected: true | RegExp = true, milliseconds?: number): Promise<ReadinessReport> {
    let last: ReadinessReport | undefined;
    return until(
      `/readyz: ${expected}`,
      async () => {
        last = await this.readiness().catch(() => undefined);
        return last && (expected === true ? last.ready : expected.test(last.reason)) && last;
      },
      milliseconds,
    ).catch((error: Error) => {
      throw new Error(`${error.message}; last: ${JSON.stringify(last)}\n${this.broker.output}`);
    });
  }

  /** Requests GitHub has seen, as "METHOD last-part-of-path status". */
  requests(method: string, lastPart: RegExp): { status: number }[] {
    return this.github
      .requests()
      .filter((request) => request.method === method && lastPart.test(request.path));
  }

  async close(): Promise<void> {
    await this.broker?.kill();
    this.egress.close();
    await Promise.all([this.github.close(), this.digdag.close()]);
  }

  private brokerEnvironment(): Record<string, string> {
    return {
      GITHUB_API_URL: this.github.apiUrl,
      GITHUB_OWNER: "acme",
      GITHUB_REPOSITORY: "workflows",
      GITHUB_CREDENTIAL_FILE: this.credentialFile,
      RUNNER_LABELS: LABELS.join(","),
      RUNNER_NAME_PREFIX: "digdag-stg",
      POD_NAME: "digdag-runner-6d5f7c9b8-x2x9k",
      DIGDAG_ENDPOINT: this.digdag.url,
      EGRESS_ADDRESS_URL: `http://127.0.0.1:${(this.egress.address() as AddressInfo).port}`,
      LEASE_SOCKET: this.leaseSocket,
      BROKER_STATE_DIR: this.stateDirectory,
      HTTP_PORT: String(this.httpPort),
      MAX_JOB_MINUTES: "60",
      GITHUB_POLL_SECONDS: "0.3",
      RETRY_SECONDS: "0.2",
      LEASE_TAKEOVER_SECONDS: "1",
    };
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
