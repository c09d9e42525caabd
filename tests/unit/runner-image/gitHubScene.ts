import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { defaultToken, type GitHub, type GitHubOptions, startGitHub } from "../../../local/github/server";
import { connectGitHub, type GitHubSettings } from "../../../runner-image/broker/connectGitHub";
import type { GitHubRunners } from "../../../runner-image/broker/github";
import type { ApiObserver } from "../../../runner-image/broker/githubClient";
import { GitHubError, type GitHubErrorKind } from "../../../runner-image/broker/githubErrors";

/** The broker's side of GitHub against the stand-in, in this process. */
export class GitHubScene implements ApiObserver {
  /** What the broker's observer was told. */
  readonly calls: { route: string; status: number }[] = [];
  readonly remaining: number[] = [];
  readonly expiries: number[] = [];
  /** Lines of the broker's log, level debug and above. */
  readonly log: string[] = [];
  private readonly directory = mkdtempSync(join(tmpdir(), "broker-github-"));
  readonly credentialFile = join(this.directory, "credential");

  private constructor(readonly github: GitHub) {
    this.writeCredential(defaultToken);
  }

  static async start(options: GitHubOptions = {}): Promise<GitHubScene> {
    return new GitHubScene(await startGitHub(options));
  }

  writeCredential(text: string): void {
    writeFileSync(this.credentialFile, `${text}\n`);
  }

  /** For repository acme/etl with the default token, unless the settings say otherwise. */
  connect(changes: Partial<GitHubSettings> = {}): Promise<GitHubRunners> {
    const settings: GitHubSettings = {
      githubApiUrl: this.github.apiUrl,
      owner: "acme",
      repository: "etl",
      appId: undefined,
      credentialFile: this.credentialFile,
      runnerGroup: undefined,
      ...changes,
    };
    return connectGitHub(
      settings,
      this,
      pino({ level: "debug" }, { write: (line: string) => this.log.push(line) }),
    );
  }

  request(route: string, status: number): void {
    this.calls.push({ route, status });
  }

  rateLimitRemaining(remaining: number): void {
    this.remaining.push(remaining);
  }

  tokenExpires(at: number): void {
    this.expiries.push(at);
  }

  async close(): Promise<void> {
    rmSync(this.directory, { recursive: true });
    await this.github.close();
  }
}

/** Asserts that the call fails with an error of this kind and message, and returns it. */
export async function rejects(
  call: Promise<unknown>,
  kind: GitHubErrorKind,
  message: RegExp,
): Promise<GitHubError> {
  const error = await call.then(
    (value) => assert.fail(`it resolved to ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GitHubError, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, message);
  return error;
}
