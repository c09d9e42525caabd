/** What GitHub's credentials look like. */
const credentials: [what: string, pattern: RegExp][] = [
  ["a personal access token", /\b(?:ghp|github_pat)_\w{20,}/g],
  ["a GitHub token", /\bgh[orsu]_\w{20,}/g],
  ["a private key", /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[^-]*/g],
];

const base64 = /^[A-Za-z0-9+/]{24,}={0,2}$/;

/** What kind of credential a text holds, as it is or in base64; undefined when none. */
export function credentialIn(text: string): string | undefined {
  const compact = text.replace(/\s+/g, "");
  const texts = base64.test(compact) ? [text, Buffer.from(compact, "base64").toString()] : [text];
  return credentials.find(([, pattern]) => texts.some((candidate) => candidate.search(pattern) >= 0))?.[0];
}

/** A text for a message, without credentials of GitHub and without user names and passwords in URLs. */
export function withoutSecrets(text: string): string {
  return credentials
    .reduce((rest, [, pattern]) => rest.replace(pattern, "(not shown)"), text)
    .replace(/\/\/[^/@\s"]+@/g, "//(not shown)@");
}
