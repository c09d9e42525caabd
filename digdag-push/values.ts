import type { Environment } from "./credentials";
import { printable } from "./errors";
import { DEFAULT_TIMEOUT_SECONDS } from "./limits";
import { nameFault } from "./workflows";

// Each reads one value and throws an Error that says what is wrong, what is allowed, and how to give it.

/** GitHub's run and attempt; elsewhere the time. */
export function runName({ GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: attempt }: Environment): string {
  if (id) return `${id}-${attempt || 1}`;
  return new Date().toISOString().replace(/[-:]|\.\d+/g, "");
}

export function readOfficialCli(text = "auto"): "auto" | "always" | "never" {
  if (text === "auto" || text === "always" || text === "never") return text;
  throw new Error(`--official-cli ${JSON.stringify(printable(text, 40))} is invalid: auto, always or never`);
}

export function readProjectName(name: string): string {
  if (name === "") throw new Error("no project name: give --project NAME or set DIGDAG_PROJECT");
  const fault = nameFault(name);
  if (fault !== undefined) throw new Error(`the project name ${fault}`);
  return name;
}

export function readEndpoint(text: string): URL {
  if (text === "") throw new Error("no endpoint: give --endpoint URL or set DIGDAG_ENDPOINT");
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.username || url?.password) {
    throw new Error(
      "the endpoint holds credentials; use DIGDAG_USER with DIGDAG_PASSWORD instead (the value is not shown)",
    );
  }
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw new Error(
      `the endpoint ${JSON.stringify(printable(text, 80))} is not a URL such as https://digdag.example.com`,
    );
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new Error(
      `the endpoint ${printable(url.origin + url.pathname, 80)} has a path; Digdag serves /api at the root of its host: ${url.origin}`,
    );
  }
  return url;
}

/**
 * A projects file cannot send a runner, and its credential, to another Digdag than the runner's own: whoever changes the
 * file in a pull request would get the credential, and a runner of another environment would deploy there.
 */
export function checkSameEndpoint(own: URL, ofFile: URL): void {
  if (own.origin === ofFile.origin) return;
  throw new Error(
    `the projects file gives this environment the endpoint ${ofFile.origin}, but --endpoint or DIGDAG_ENDPOINT is ${own.origin}: is this the runner of another environment?`,
  );
}

export function readRevision(text: string, optional = false): string {
  if (text === "" && optional) return text;
  if (text === "")
    throw new Error('no revision: set GITHUB_SHA (GitHub does) or give --revision "$(git rev-parse HEAD)"');
  if (!/^[A-Za-z0-9][A-Za-z0-9._:+@-]{0,254}$/.test(text)) {
    throw new Error(
      `the revision ${JSON.stringify(printable(text, 80))} is invalid: letters, digits and . _ : + @ - are allowed, at most 255, a letter or digit first`,
    );
  }
  return text;
}

export function readTimeout(text = String(DEFAULT_TIMEOUT_SECONDS)): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > 3600) {
    throw new Error(
      `--timeout ${JSON.stringify(printable(text, 40))} is invalid: whole seconds from 1 to 3600`,
    );
  }
  return seconds * 1000;
}
