import { readFileSync } from "node:fs";
import { messageOf, printable } from "./errors";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The value of the Authorization header from the environment, or undefined where no credential is set.
 *
 * @throws Error that names the variable and never shows a value
 */
function readAuthorization(env: Environment): string | undefined {
  const { DIGDAG_AUTHORIZATION_FILE: file, DIGDAG_USER: user } = env;
  const passwordFile = env.DIGDAG_PASSWORD_FILE || undefined;
  const password = env.DIGDAG_PASSWORD || (passwordFile && readSecret("DIGDAG_PASSWORD_FILE", passwordFile));
  if (file) {
    if (user || password)
      throw new Error(
        "DIGDAG_AUTHORIZATION_FILE and DIGDAG_USER/DIGDAG_PASSWORD are both set; use one of them",
      );
    const value = readSecret("DIGDAG_AUTHORIZATION_FILE", file);
    if (!/^[\x20-\x7e]+$/.test(value)) {
      throw new Error(
        "DIGDAG_AUTHORIZATION_FILE must hold one line, the value of the Authorization header, such as Bearer TOKEN",
      );
    }
    return value;
  }
  if (!user && !password) return undefined;
  if (!user || !password)
    throw new Error("DIGDAG_USER and DIGDAG_PASSWORD (or DIGDAG_PASSWORD_FILE) must be set together");
  if (user.includes(":")) throw new Error("DIGDAG_USER must not hold a colon");
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function readSecret(variable: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new Error(`${variable} cannot be read: ${messageOf(error)}`);
  }
  if (text === "") throw new Error(`${variable} names an empty file: ${printable(file)}`);
  return text;
}

/** Headers that carry credentials, by lower-case name. */
export type Credentials = Readonly<Record<string, string>>;

// Set by this program for every request.
const OWN_HEADERS = [
  "host",
  "connection",
  "content-length",
  "content-type",
  "transfer-encoding",
  "accept",
  "user-agent",
];

/**
 * Every header with a credential that the environment gives: `Authorization`, and those of DIGDAG_HEADERS_FILE, whose
 * lines are `Name: value`.
 *
 * @throws Error that names the variable and never shows a value
 */
export function readCredentials(env: Environment): Credentials {
  const authorization = readAuthorization(env);
  const headers = new Map<string, string>();
  const { DIGDAG_HEADERS_FILE: file } = env;
  const lines = file ? readSecret("DIGDAG_HEADERS_FILE", file).split(/\r?\n/) : [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const [, name = "", value = ""] =
      /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]+?)[ \t]*$/.exec(line) ?? [];
    const lower = name.toLowerCase();
    const place = `line ${index + 1} of DIGDAG_HEADERS_FILE`;
    if (lower === "") throw new Error(`${place} is no header; lines such as X-Api-Key: VALUE are needed`);
    if (OWN_HEADERS.includes(lower)) throw new Error(`${place} sets ${name}, which digdag-push sets itself`);
    if (headers.has(lower) || (lower === "authorization" && authorization !== undefined))
      throw new Error(`${place} sets ${name} a second time`);
    headers.set(lower, value);
  }
  if (authorization !== undefined) headers.set("authorization", authorization);
  return Object.fromEntries(headers);
}

/** Takes every form of the credentials out of a text that a server sent. */
export function redact(text: string, credentials: Credentials): string {
  return secretsOf(credentials).reduce((clean, secret) => clean.replaceAll(secret, "***"), text);
}

function secretsOf({ authorization = "", ...others }: Credentials): string[] {
  const credential = authorization.replace(/^\S+\s+/, "");
  const decoded = /^basic\s/i.test(authorization) ? Buffer.from(credential, "base64").toString("utf8") : "";
  const password = decoded.slice(decoded.indexOf(":") + 1);
  // The longest first, so that none is left in halves.
  return [authorization, credential, decoded, password, ...Object.values(others)]
    .filter((secret) => secret.length >= 4)
    .sort((a, b) => b.length - a.length);
}
