import type { components } from "@octokit/openapi-types";
import { sleepSeconds } from "../shared/backoff";
import { type Credential, readPrivateKey } from "./credential";
import {
  type Answer,
  gitHubsWords,
  grantApp,
  type Headers,
  requestId,
  suspendedAdvice,
} from "./githubAnswers";
import type { GitHubClient } from "./githubClient";
import { GitHubError } from "./githubErrors";
import { describeScope, type RunnerScope } from "./runnerScope";

/** A token is replaced this long before GitHub stops accepting it. */
const RENEW_BEFORE_EXPIRY_SECONDS = 300;
/** GitHub's servers may not know a new token yet; @octokit/auth-app reckons with the same time. */
const SPREADING_SECONDS = 5;

type Installation = components["schemas"]["installation"];
type InstallationToken = components["schemas"]["installation-token"];
type Permissions = components["schemas"]["app-permissions"];

/** What an AppInstallation works with. */
export interface AppParts {
  /** App ID or client ID. */
  appId: string;
  /** The private key, read at every use. */
  keyFile: string;
  scope: RunnerScope;
  /** A client that signs in as the App with this key (PKCS#8 in PEM). */
  signIn(privateKey: string): GitHubClient;
}

interface MintedToken {
  authorization: string;
  /** The key that it was asked for with. */
  privateKey: string;
  /** These two by the clock of the AppInstallation. */
  mintedAt: number;
  renewAt: number;
}

/**
 * A GitHub App, used through its installation: with a token of one hour that may manage the runners of this one repository
 * or organization and do nothing else.
 */
export class AppInstallation implements Credential {
  readonly kind = "app";
  private token: MintedToken | undefined;
  private minting: Promise<MintedToken> | undefined;

  /** @param now milliseconds that no wrong or corrected clock moves */
  constructor(
    private readonly parts: AppParts,
    private readonly now = () => performance.now(),
  ) {}

  async authorization(): Promise<string> {
    const privateKey = await readPrivateKey(this.parts.keyFile);
    const { token } = this;
    // With a rotated key a new token is minted although the old one is still good: whoever rotates must see that the new
    // key works before the old one is deleted.
    if (token?.privateKey === privateKey && this.now() < token.renewAt) return token.authorization;
    this.minting ??= this.mint(privateKey).finally(() => {
      this.minting = undefined;
    });
    this.token = await this.minting;
    return this.token.authorization;
  }

  async refused(authorization: string): Promise<boolean> {
    if (this.token?.authorization !== authorization) return true;
    if (this.now() - this.token.mintedAt < SPREADING_SECONDS * 1000) await sleepSeconds(1);
    else this.token = undefined;
    return true;
  }

  private async mint(privateKey: string): Promise<MintedToken> {
    const { scope, signIn } = this.parts;
    const client = signIn(privateKey);
    const explain = (answer: Answer) => this.explain(answer);

    const find = `GET /${scope.repository ? "repos/{owner}/{repo}" : "orgs/{org}"}/installation`;
    const where = scope.repository ? { owner: scope.owner, repo: scope.repository } : { org: scope.owner };
    const found = await client.ask(find, where, 200, explain);
    const { id, suspended_at } = (found.body ?? {}) as Partial<Installation>;
    if (typeof id !== "number") throw client.unexpected(find, found, "an installation");
    if (suspended_at) throw new GitHubError("forbidden", suspendedAdvice(describeScope(scope)));

    const create = "POST /app/installations/{installation_id}/access_tokens";
    const made = await client.ask(
      create,
      { installation_id: id, ...narrowed(scope, found.url) },
      201,
      explain,
    );
    const { token, expires_at } = (made.body ?? {}) as Partial<InstallationToken>;
    const seconds = lifetimeSeconds(expires_at, made.headers);
    if (typeof token !== "string" || token === "" || Number.isNaN(seconds))
      throw client.unexpected(create, made, "an installation token");
    const mintedAt = this.now();
    const renewAt = mintedAt + (seconds - RENEW_BEFORE_EXPIRY_SECONDS) * 1000;
    return { authorization: `Bearer ${token}`, privateKey, mintedAt, renewAt };
  }

  /** What GitHub's refusals mean for somebody who set up an App. */
  private explain(answer: Answer): GitHubError | undefined {
    const { appId, scope } = this.parts;
    const where = describeScope(scope);
    const said = gitHubsWords(answer);
    if (said === undefined) return undefined;
    const fail = (kind: "unauthorized" | "forbidden" | "not-found", advice: string) =>
      new GitHubError(
        kind,
        `GitHub refuses App ${appId} (${answer.status}, ${JSON.stringify(said)}). ${advice}`,
        {
          status: answer.status,
          ...requestId(answer.headers),
        },
      );
    const { status } = answer;
    if (/^'(Expiration time|Issued at)' claim/.test(said))
      return fail(
        "unauthorized",
        "The node's clock is wrong, and GitHub's answer did not help to correct it: set the clock.",
      );
    if (status === 401 || (status === 404 && said === "Integration not found"))
      return fail(
        "unauthorized",
        "githubAppId and the private key do not belong together, or the key was deleted on GitHub: correct githubAppId, or put " +
          "another private key of this App into the SSM parameter, and run `pulumi up`.",
      );
    if (status === 404)
      return fail(
        "not-found",
        `It is not installed on the ${where}, or that does not exist (GitHub answers 404 to both). Install it there, and check githubOwner and githubRepository.`,
      );
    if (status === 403 && /suspended/i.test(said)) return fail("forbidden", suspendedAdvice(where));
    if (status === 422)
      return fail(
        "forbidden",
        `It may not manage the runners of the ${where}: it needs ${neededPermission(scope)}. ${grantApp} ` +
          "Where it is installed on selected repositories only, this one must be among them.",
      );
    return undefined;
  }
}

function neededPermission({ repository }: RunnerScope): string {
  return repository
    ? 'the repository permission "Administration: write"'
    : 'the organization permission "Self-hosted runners: write"';
}

/**
 * The least that a token for these runners can have.
 * @param foundAt where the installation was found: for a repository that was renamed the address names its id, and
 *   the old name would be refused
 */
export function narrowed(
  { repository }: RunnerScope,
  foundAt: string,
): { permissions: Permissions; repositories?: string[]; repository_ids?: number[] } {
  if (!repository) return { permissions: { organization_self_hosted_runners: "write" } };
  const id = /\/repositories\/(\d+)\/installation$/.exec(foundAt)?.[1];
  return {
    permissions: { administration: "write" },
    ...(id ? { repository_ids: [Number(id)] } : { repositories: [repository] }),
  };
}

/** How long a token is good, by GitHub's clock alone; NaN when the answer does not tell. */
function lifetimeSeconds(expiresAt: string | undefined, { date }: Headers): number {
  const now = date === undefined ? Date.now() : Date.parse(String(date));
  return (Date.parse(expiresAt ?? "") - now) / 1000;
}
