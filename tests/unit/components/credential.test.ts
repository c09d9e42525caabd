import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { credentialOf } from "../../../components/credential";
import { privateKeyProblem } from "../../../runner-image/shared/privateKey";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pkcs1 = rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const pkcs8 = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const token = "ghp_0123456789";

const read = (value: string) => ({ name: "/digdag-runner/stg/github", type: "SecureString", value });

/** Asserts a refusal that names the parameter and shows nothing of its value. */
function refuses(kind: "token" | "app", value: string, reason: RegExp, type = "SecureString"): void {
  assert.throws(
    () => credentialOf(kind, { ...read(value), type }),
    (error: Error) => {
      assert.match(error.message, /\/digdag-runner\/stg\/github/);
      assert.match(error.message, reason);
      const secrets = value.split(/\s+/).filter((part) => part.length > 7 && !part.includes("KEY"));
      for (const part of secrets) assert.ok(!error.message.includes(part), error.message);
      return true;
    },
  );
}

describe("the token from SSM", () => {
  it("loses the line break at its end", () => {
    assert.equal(credentialOf("token", read(`${token}\n`)), token);
  });

  it("is refused, and not shown, when it is stored in the clear or is no token", () => {
    refuses("token", token, /is a String, which anyone/, "String");
    for (const wrong of ["", "hunter2345 hunter2345", '{"token":"hunter2345"}'])
      refuses("token", wrong, /does not hold a GitHub token/);
  });

  it("is told from a private key", () => {
    refuses("token", pkcs1, /holds a private key, but is named as a token: set githubAppId/);
  });
});

describe("the private key from SSM", () => {
  it("is taken as GitHub's download has it, in either form, and ends with one line break", () => {
    for (const pem of [pkcs1, pkcs8]) {
      for (const value of [pem, pem.trim(), `${pem}\n\n`, pem.replaceAll("\n", "\r\n")]) {
        const kept = credentialOf("app", read(value));
        assert.ok(createPrivateKey(kept).equals(rsa.privateKey));
        assert.match(kept, /-----END [A-Z ]+-----\n$/);
      }
    }
  });

  it("is refused when it is stored in the clear", () => refuses("app", pkcs1, /is a String/, "String"));

  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const secret = { cipher: "aes-256-cbc", passphrase: "secret", type: "pkcs8", format: "pem" } as const;
  const wrong: [string, string, RegExp][] = [
    ["a token", token, /holds a token, not a private key; a token belongs into githubTokenParameter/],
    ["a fine-grained token", "github_pat_11AAAA0123456789", /holds a token/],
    ["a public key", rsa.publicKey.export({ type: "spki", format: "pem" }).toString(), /holds a public key/],
    [
      "an RSA public key",
      rsa.publicKey.export({ type: "pkcs1", format: "pem" }).toString(),
      /holds a rsa public key/,
    ],
    ["a certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", /holds a certificate/],
    ["an encrypted key", rsa.privateKey.export(secret).toString(), /holds an encrypted private key/],
    ["an OpenSSH key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n", /holds an openssh private key/],
    ["a key of another kind", ec.export({ type: "pkcs8", format: "pem" }).toString(), /of type ec, not RSA/],
    ["a key on one line", pkcs8.replaceAll("\n", " "), /line breaks were lost/],
    ["a key with escaped line breaks", pkcs8.replaceAll("\n", "\\n"), /line breaks were lost/],
    ["a cut key", pkcs1.slice(0, 400), /damaged/],
    ["another text", "hunter2345", /holds no private key in PEM/],
    ["nothing", "", /holds no private key in PEM/],
  ];
  for (const [what, value, reason] of wrong) {
    it(`is told from ${what}, with the command that mends it`, () => {
      refuses("app", value, reason);
      refuses("app", value, /--type SecureString --name \S+ --value file:\/\/KEY\.pem/);
    });
  }

  it("is fine as it is", () => assert.equal(privateKeyProblem(pkcs8), undefined));
});
