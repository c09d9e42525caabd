import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stack } from "./aws/stacks";
import type { App, Token } from "./github/types";
import { stateDir } from "./lib/paths";

/** Holds the credential of each stack by its name: a token, or the private key of an App as GitHub's download. */
export const credentialsFile = join(stateDir, "github-credentials.json");

/** The GitHub credential of each stack: random, so that a leaked one is found by its value, and of no worth elsewhere. */
export function credentials(stacks: Stack[]): Record<string, string> {
  const known = existsSync(credentialsFile)
    ? (JSON.parse(readFileSync(credentialsFile, "utf8")) as Record<string, string>)
    : {};
  for (const stack of stacks) known[stack.stack] ??= newCredential(stack);
  writeFileSync(credentialsFile, JSON.stringify(known), { mode: 0o600 });
  return known;
}

/** What the stack's SSM parameter is to hold: a token, or a private key of its App. */
export function newCredential({ appId }: Stack): string {
  return appId ? newPrivateKey() : `github_pat_local_${randomBytes(24).toString("hex")}`;
}

function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}

/** What GitHub knows of them. */
export function tokensAndApps(stacks: Stack[]): { tokens: Token[]; apps: App[] } {
  const values = credentials(stacks);
  const credentialOf = ({ stack }: Stack) => values[stack] as string;
  return {
    tokens: stacks
      .filter(({ appId }) => !appId)
      .map((stack) => ({
        value: credentialOf(stack),
        scopes: [stack.repository ? `${stack.owner}/${stack.repository}` : stack.owner],
      })),
    apps: stacks
      .filter(({ appId }) => appId)
      .map((stack) => ({
        appId: Number(stack.appId),
        installationId: Number(stack.appId) + 1,
        account: stack.owner,
        ...(stack.repository && { repositories: [stack.repository] }),
        publicKey: createPublicKey(credentialOf(stack)).export({ type: "spki", format: "pem" }).toString(),
      })),
  };
}
