import assert from "node:assert/strict";
import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { assertHidden, formsOf } from "../hidden";
import { type PulumiProject, passphrase, type Result } from "./pulumiProject";

/** The credential is in the state, encrypted, and shows nowhere in plain text or in base64. */
export function assertEncrypted(
  credential: string | undefined,
  project: PulumiProject,
  result: Result,
): void {
  assert.ok(isIn(credential, decrypted(project)), "it is not in the state, so this proves nothing");
  assertNowhereInPlainText(credential, project, result);
}

/** The credential is nowhere: not in plain text, nor in anything that the back end holds encrypted, now or in its history. */
export function assertAbsent(credential: string | undefined, project: PulumiProject, result: Result): void {
  const secrets = decrypted(project);
  assert.notDeepEqual(secrets, [], "nothing is encrypted, so this proves nothing");
  assert.ok(!isIn(credential, secrets), "the credential is in the state, encrypted");
  assertNowhereInPlainText(credential, project, result);
}

function assertNowhereInPlainText(credential = "", project: PulumiProject, { events, output }: Result): void {
  assertHidden([credential], { events, output, "the state": project.backendFiles().join("\n") });
}

/** Whether any part of it is in one of the texts, as it is or in base64. */
function isIn(credential = "", texts: string[]): boolean {
  const forms = formsOf(credential);
  return texts.some((text) => forms.some((form) => text.includes(form)));
}

/**
 * Everything that the files of the back end hold encrypted, states of former updates included. Written as the engine's passphrase
 * provider does (sdk/go/common/resource/config/crypt.go): AES-256-GCM, `v1:NONCE:CIPHERTEXT`, with a key by PBKDF2 from the salt.
 */
export function decrypted(project: PulumiProject): string[] {
  const files = project.backendFiles();
  const salts = new Set(files.flatMap((text) => matches(text, /"salt":\s*"v1:([^:"]+):/g)));
  assert.equal(salts.size, 1, "the back end has another salt than one");
  const key = pbkdf2Sync(passphrase, Buffer.from([...salts].join(), "base64"), 1_000_000, 32, "sha256");
  return [...new Set(files.flatMap((text) => matches(text, /"ciphertext":\s*"v1:([^"]+)"/g)))].map(
    (sealed) => {
      const [nonce, text] = sealed.split(":").map((part) => Buffer.from(part, "base64"));
      assert.ok(nonce && text);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAuthTag(text.subarray(-16));
      return Buffer.concat([decipher.update(text.subarray(0, -16)), decipher.final()]).toString();
    },
  );
}

const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].flatMap(([, found]) => found ?? []);
