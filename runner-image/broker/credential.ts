import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { privateKeyProblem } from "../shared/privateKey";
import { GitHubError } from "./githubErrors";

/** With what GitHub is asked about runners. */
export interface Credential {
  readonly kind: "token" | "app";
  /** The value of the header `authorization`. Throws GitHubError. */
  authorization(): Promise<string>;
  /** GitHub answered 401 to this authorization: resolves to true when it is worth asking once more. */
  refused(authorization: string): Promise<boolean>;
}

/** A personal access token in a file, read at every use: a rotated Secret needs no restart. */
export class TokenFile implements Credential {
  readonly kind = "token";

  constructor(private readonly file: string) {}

  async authorization(): Promise<string> {
    return `Bearer ${await readToken(this.file)}`;
  }

  async refused(authorization: string): Promise<boolean> {
    return (await this.authorization()) !== authorization;
  }
}

/** The token in the mounted Secret. Throws a GitHubError of kind `credential` that names the file, never its content. */
export async function readToken(file: string): Promise<string> {
  const advice = "The Secret mounted into the broker must hold the GitHub token under the key `token`.";
  const token = (await readSecret(file, advice)).trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    const what =
      token === ""
        ? "is empty"
        : token.includes("PRIVATE KEY")
          ? "holds a private key, not a token; with a key githubAppId must be set, and githubTokenParameter must not"
          : "holds more than one word or characters no token has";
    throw new GitHubError("credential", `${file} ${what}. ${advice}`);
  }
  return token;
}

/** The App's private key in the mounted Secret, as PKCS#8 in PEM whatever its form was. Throws as readToken does. */
export async function readPrivateKey(file: string): Promise<string> {
  const advice =
    "The Secret mounted into the broker must hold the App's private key, as GitHub's download has it, under the key `private-key.pem`.";
  const pem = (await readSecret(file, advice)).trim();
  const problem = pem === "" ? "is empty" : privateKeyProblem(pem);
  if (problem !== undefined) throw new GitHubError("credential", `${file} ${problem}. ${advice}`);
  return createPrivateKey(pem).export({ type: "pkcs8", format: "pem" }).toString();
}

async function readSecret(file: string, advice: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new GitHubError("credential", `${file} cannot be read (${error.code}). ${advice}`);
  });
}
