import assert from "node:assert/strict";
import type { GitHubOptions } from "../../../local/github/server";
import type { Hello } from "../../../runner-image/shared/lease";
import { LeaseProbe } from "./leaseProbe";
import { World } from "./world";

export const TOKEN = "github_pat_first_secret_token";
/** Path, as a regular expression, of the call that registers a runner. */
export const JIT_PATH = "generate-jitconfig$";

/** A world with a broker, where the test plays the supervisor. */
export class BrokerFixture {
  world!: World;
  private probes: LeaseProbe[] = [];

  /** A supervisor that connects and says that it cleaned up. */
  async ready(): Promise<LeaseProbe> {
    const probe = await LeaseProbe.ready(this.world.leaseSocket);
    this.probes.push(probe);
    return probe;
  }

  /** Somebody who connects and says hello. */
  async connect(hello: Partial<Hello> = {}): Promise<LeaseProbe> {
    const probe = await LeaseProbe.connect(this.world.leaseSocket, hello);
    this.probes.push(probe);
    return probe;
  }

  /** The requests for a registration that GitHub has seen. */
  mints(): { status: number }[] {
    return this.world.requests("POST", /generate-jitconfig$/);
  }

  async open(github: GitHubOptions = {}): Promise<void> {
    this.probes = [];
    this.world = await World.create(TOKEN, github);
  }

  /** Ends everything, and fails when a secret was logged. */
  async close(): Promise<void> {
    for (const probe of this.probes) probe.close();
    await this.world.close();
    assertNoSecret(this.world.broker.output);
  }
}

/** Fails where the text holds the token, an App's key, a JWT, an installation token or a JIT configuration. */
export function assertNoSecret(text: string): void {
  assert.ok(!text.includes(TOKEN), "the token is in the text");
  // JSON in base64 starts with eyJ: JWTs and JIT configurations.
  assert.doesNotMatch(text, /encoded_jit_config|eyJ|"jitConfig"|PRIVATE KEY|ghs_|Bearer/);
}
