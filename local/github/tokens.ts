import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { components } from "@octokit/openapi-types";
import type { Clock } from "./clock";
import { sameName } from "./registry";
import type { App, Permission, PermissionName, Token } from "./types";

const hour = 60 * 60 * 1000;
const longestJwtSeconds = 600;

/** One counter of GitHub's rate limit. */
export type RateLimit = components["schemas"]["rate-limit"];

/** Why a JWT is refused, in GitHub's words. */
export interface Refusal {
  status: 401 | 404;
  refusal: string;
}

/** Tokens and Apps, what they may do and how often. */
export class Tokens {
  private readonly known = new Map<string, Token>();
  private readonly apps = new Map<number, App>();
  private readonly buckets = new Map<string, RateLimit>();

  constructor(
    tokens: Token[],
    apps: App[],
    private readonly clock: Clock,
    private readonly hourlyLimit: number,
  ) {
    for (const token of tokens) this.put(token);
    for (const app of apps) this.putApp(app);
  }

  put(token: Token): void {
    this.known.set(token.value, token);
  }

  putApp(app: App): void {
    this.apps.set(app.appId, app);
  }

  revoke(value: string): void {
    this.known.delete(value);
  }

  /** @returns undefined for a token that is unknown, revoked or expired */
  find(value: string): Token | undefined {
    const token = this.known.get(value);
    const expired = token?.expiresAt !== undefined && Date.parse(token.expiresAt) <= this.clock.now();
    return expired ? undefined : token;
  }

  /** Whether the installation that this token belongs to is suspended. */
  isSuspended({ appId }: Token): boolean {
    return appId !== undefined && this.apps.get(appId)?.suspendedAt !== undefined;
  }

  /** The counter of this token, renewed every hour. */
  bucket(value: string, resource: "core" | "actions_runner_registration"): RateLimit {
    const key = `${resource} ${value}`;
    const now = this.clock.now();
    const current = this.buckets.get(key);
    if (current && current.reset * 1000 > now) return current;
    const limit = resource === "core" ? this.hourlyLimit : 10_000;
    const fresh: RateLimit = { limit, remaining: limit, used: 0, reset: Math.floor((now + hour) / 1000) };
    this.buckets.set(key, fresh);
    return fresh;
  }

  /** The App that signed this JWT, or why it is refused. */
  app(jwt: string): App | Refusal {
    const undecodable: Refusal = { status: 401, refusal: "A JSON web token could not be decoded" };
    const [header, payload, signature] = jwt.split(".");
    if (!header || !payload || !signature) return undecodable;
    let claims: { iss?: string | number; exp?: number; iat?: number };
    try {
      claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    } catch {
      return undecodable;
    }
    const app = [...this.apps.values()].find(({ appId, clientId }) =>
      [String(appId), clientId].includes(String(claims.iss)),
    );
    if (!app) return { status: 404, refusal: "Integration not found" };
    const key = createPublicKey(app.publicKey);
    const signed = Buffer.from(`${header}.${payload}`);
    if (!verify("RSA-SHA256", signed, key, Buffer.from(signature, "base64url"))) return undecodable;
    const refusal = this.claimsProblem(claims);
    return refusal === undefined ? app : { status: 401, refusal };
  }

  private claimsProblem({ iat, exp }: { iat?: number; exp?: number }): string | undefined {
    const now = this.clock.now() / 1000;
    if (!exp || exp < now)
      return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
    if (exp > now + longestJwtSeconds) return "'Expiration time' claim ('exp') is too far in the future";
    if (!iat || iat > now)
      return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
    return undefined;
  }

  /** A token of one hour for the App's installation. */
  mint(
    { appId }: App,
    power: Pick<Token, "scopes" | "permission" | "narrowedTo">,
  ): Token & { expiresAt: string } {
    const token = {
      value: `ghs_${randomBytes(18).toString("hex")}`,
      appId,
      expiresAt: new Date(this.clock.now() + hour).toISOString(),
      ...power,
    };
    this.put(token);
    return token;
  }
}

/** @param scope `owner/name` or `owner` */
export function mayReach(token: Token, scope: string): boolean {
  const owner = scope.split("/")[0] ?? "";
  return token.scopes.some((each) => each === "*" || sameName(each, scope) || sameName(each, owner));
}

/** What the token may do with runners that need this permission. */
export function powerOver({ permission = "write", narrowedTo }: Token, name: PermissionName): Permission {
  return narrowedTo === undefined || narrowedTo.includes(name) ? permission : "none";
}
