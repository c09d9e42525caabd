import { readFileSync } from "node:fs";
import { messageOf, printable } from "./errors";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The value of the Authorization header from the environment, or undefined where no credential is set.
 *
 * @throws Error that names the variable and never shows a value
 */
export function readAuthorization(env: Environment): string | undefined {
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

/** Takes every form of the credential out of a text that a server sent. */
export function redact(text: string, authorization: string | undefined): string {
  return secretsOf(authorization).reduce((clean, secret) => clean.replaceAll(secret, "***"), text);
}

function secretsOf(authorization: string | undefined): string[] {
  if (authorization === undefined) return [];
  const credential = authorization.replace(/^\S+\s+/, "");
  const decoded = /^basic\s/i.test(authorization) ? Buffer.from(credential, "base64").toString("utf8") : "";
  return [authorization, credential, decoded, decoded.slice(decoded.indexOf(":") + 1)].filter(
    (secret) => secret.length >= 4,
  );
}
