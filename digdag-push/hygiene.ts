import type { Problem } from "./errors";
import { printable } from "./errors";
import type { Project, ProjectEntry } from "./project";

// Names that hold keys by convention. Dotfiles are never uploaded.
const KEY_FILES: readonly [RegExp, string][] = [
  [/\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx)$/i, "a key or a store of keys"],
  [/^(id_(rsa|dsa|ecdsa|ed25519)|credentials(\.(json|ya?ml|csv|ini))?|kubeconfig)$/i, "credentials"],
  [/service[-_]?account.*\.json$/i, "a service account's key"],
  [/\.tfstate(\.backup)?$|^secrets?\.(json|ya?ml|env|properties|txt)$|\.env$/i, "secrets"],
];

// What secrets look like inside files; each has a fixed beginning that nothing else has.
const SECRETS: readonly [RegExp, string][] = [
  [/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/, "a private key"],
  [/\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/, "an AWS access key"],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b/, "a GitHub token"],
  [/\bxox[abprs]-[A-Za-z0-9-]{20,}/, "a Slack token"],
  [/\bAIza[A-Za-z0-9_-]{35}\b/, "a Google API key"],
  [/"type"\s*:\s*"service_account"/, "a Google service account's key"],
  // Bounded, so that no file makes the search slow.
  [/\b[a-z][a-z0-9+]{1,20}:\/\/[^\s:/@'"${}]{1,200}:[^\s:/@'"${}]{3,200}@[\w.-]/, "a URL with a password"],
];

const ADVICE = "remove it, or exclude it in .digdagignore; whoever reads the project in Digdag reads it";

/** Warnings about what is uploaded beside the workflows: secrets, names that collide, line ends that break scripts. */
export function inspectFiles(project: Project): Problem[] {
  return [
    ...project.entries.flatMap((entry) => (entry.kind === "file" ? inspect(entry) : [])),
    ...collidingNames(project.entries),
  ].map((problem) => ({ ...problem, warning: true }));
}

function inspect({ path, content }: ProjectEntry & { kind: "file" }): Problem[] {
  const problems: Problem[] = [];
  const name = path.split("/").at(-1) ?? "";
  const kept = KEY_FILES.find(([pattern]) => pattern.test(name))?.[1];
  if (kept !== undefined) problems.push({ file: path, message: `looks like ${kept} by its name: ${ADVICE}` });
  // Bytes as characters: secrets are plain text, whatever else the file holds.
  const text = content.toString("latin1");
  for (const [pattern, what] of SECRETS) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const line = text.slice(0, found.index).split("\n").length;
    problems.push({ file: path, line, message: `seems to hold ${what}: ${ADVICE}` });
  }
  if (/^#![^\r\n]*\r\n/.test(text))
    problems.push({
      file: path,
      line: 1,
      message:
        "is a script with Windows line ends, which no shell can start; check it out with eol=lf (.gitattributes)",
    });
  return problems;
}

/** Names that are one and the same where letter case or the way accents are written does not count. */
function collidingNames(entries: readonly ProjectEntry[]): Problem[] {
  const first = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { path } of entries) {
    const key = path.normalize("NFC").toLowerCase();
    const other = first.get(key);
    if (other === undefined) first.set(key, path);
    else
      problems.push({
        file: path,
        message: `and ${printable(JSON.stringify(other), 200)} have the same name but for case or accents: some machines keep only one of them; rename one`,
      });
  }
  return problems;
}
