import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { components } from "@octokit/openapi-types";
import type { Clock } from "./clock";
import { sameName } from "./registry";
import type { App, Token } from "./types";

const hour = 60 * 60 * 1000;

/** One counter of GitHub's rate limit. */
export type RateLimit = components["schemas"]["rate-limit"];

/** Tokens, what they may do and how often. */
export class Tokens {
  private readonly known = new Map<string, Token>();
  private readonly buckets = new Map<string, RateLimit>();

  constructor(
    tokens: Token[],
    private readonly apps: App[],
    private readonly clock: Clock,
    private readonly hourlyLimit: number,
  ) {
    for (const token of tokens) this.put(token);
  }

  put(token: Token): void {
    this.known.set(token.value, token);
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
  app(jwt: string): App | string {
    const [header, payload, signature] = jwt.split(".");
    if (!header || !payload || !signature) return "A JSON web token could not be decoded";
    let claims: { iss?: string | number; exp?: number; iat?: number };
    try {
      claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    } catch {
      return "A JSON web token could not be decoded";
    }
    const app = this.apps.find(({ appId }) => String(appId) === String(claims.iss));
    if (!app) return "Integration not found";
    const key = createPublicKey(app.publicKey);
    const signed = Buffer.from(`${header}.${payload}`);
    if (!verify("RSA-SHA256", signed, key, Buffer.from(signature, "base64url")))
      return "A JSON web token could not be decoded";
    const now = this.clock.now() / 1000;
    if (!claims.exp || claims.exp < now)
      return "'Expiration time' claim ('exp') must be a numeric value in the future";
    if (claims.exp > now + 600) return "'Expiration time' claim ('exp') is too far in the future";
    return app;
  }

  installation(account: string): App | undefined {
    return this.apps.find((app) => sameName(app.account, account));
  }

  /** A token of one hour for the installation. */
  mint(app: App): Token & { expiresAt: string } {
    const token = {
      value: `ghs_${randomBytes(18).toString("hex")}`,
      scopes: [app.account],
      permission: app.permission ?? ("write" as const),
      expiresAt: new Date(this.clock.now() + hour).toISOString(),
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
