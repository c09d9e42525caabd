import { createPrivateKey } from "node:crypto";

const aToken = /^(gh[a-z]_|github_pat_)/;

/** Why this is not a private key as GitHub makes them; undefined when it is. Never quotes it. */
export function privateKeyProblem(value: string): string | undefined {
  if (aToken.test(value))
    return "holds a token, not a private key; a token belongs into githubTokenParameter";
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(value)?.[1];
  if (label === undefined) return "holds no private key in PEM";
  if (!label.endsWith("PRIVATE KEY")) return `holds a ${label.toLowerCase()}, not a private key`;
  if (label.startsWith("OPENSSH") || label.startsWith("ENCRYPTED"))
    return `holds an ${label.toLowerCase()}, which is not what GitHub makes`;
  if (!value.includes("\n")) return "holds a private key whose line breaks were lost";
  try {
    const { asymmetricKeyType } = createPrivateKey(value);
    return asymmetricKeyType === "rsa"
      ? undefined
      : `holds a private key of type ${asymmetricKeyType}, not RSA`;
  } catch {
    return "holds a private key that is damaged";
  }
}
