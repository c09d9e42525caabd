import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Credentials, RunnerFile } from "../protocol";

const names = [".runner", ".credentials", ".credentials_rsaparams"];

/** Writes the files of a JIT blob into the runner's root. @throws Error when the blob is not one */
export function writeConfiguration(root: string, blob: string): void {
  let files: Record<string, string>;
  try {
    files = JSON.parse(Buffer.from(blob, "base64").toString("utf8"));
  } catch (cause) {
    throw new Error("The JIT configuration is not base64 of a JSON object.", { cause });
  }
  for (const name of names) {
    const content = files[name];
    if (typeof content !== "string") throw new Error(`The JIT configuration has no ${name}.`);
    writeFileSync(join(root, name), Buffer.from(content, "base64"), { mode: 0o600 });
  }
}

/** @returns undefined when the runner is not configured */
export function readConfiguration(
  root: string,
): { runner: RunnerFile; credentials: Credentials } | undefined {
  if (!existsSync(join(root, ".runner"))) return undefined;
  const read = (name: string) => JSON.parse(readFileSync(join(root, name), "utf8"));
  return { runner: read(".runner"), credentials: read(".credentials_rsaparams") };
}

export function removeConfiguration(root: string): void {
  for (const name of names) rmSync(join(root, name), { force: true });
}

/** `.env` and `.path` in the root change the environment of the listener and so of every job, as with the real one. */
export function loadEnvironment(root: string, environment: NodeJS.ProcessEnv): void {
  const read = (name: string) => (existsSync(join(root, name)) ? readFileSync(join(root, name), "utf8") : "");
  for (const line of read(".env").split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) environment[line.slice(0, at)] = line.slice(at + 1);
  }
  const path = read(".path").trim();
  if (path) environment.PATH = path;
}

/** Parses a GITHUB_ENV file: `NAME=value` lines and `NAME<<MARK` … `MARK` blocks. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const result: Record<string, string> = {};
  const lines = text.split("\n");
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const [, name, separator, rest] = /^([^=<]+)(=|<<)(.*)$/.exec(line) ?? [];
    if (!name || rest === undefined) continue;
    if (separator === "=") result[name] = rest;
    else {
      const end = lines.indexOf(rest);
      result[name] = lines.splice(0, end < 0 ? lines.length : end).join("\n");
      lines.shift();
    }
  }
  return result;
}
