import { createHash, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { generate, type SubjectAltNameEntry } from "selfsigned";
import { stateDir } from "../lib/paths";

/** Paths of a PEM certificate and its PEM private key. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** Everything is made anew with the local system, which nobody runs for this long. */
const validDays = 90;

const directory = join(stateDir, "certificates");

function files(name: string): KeyPair {
  return { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}

function notAfterDate(): Date {
  return new Date(Date.now() + validDays * 24 * 3600 * 1000);
}

function save(pair: KeyPair, certificate: string, key: string): KeyPair {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(pair.key, key, { mode: 0o600 });
  writeFileSync(pair.certificate, certificate); // last: its presence says that both are there
  return pair;
}

function usable(pair: KeyPair, issuer?: KeyPair): boolean {
  if (!existsSync(pair.certificate) || !existsSync(pair.key)) return false;
  const certificate = new X509Certificate(readFileSync(pair.certificate));
  const signer = issuer ? new X509Certificate(readFileSync(issuer.certificate)) : certificate;
  const dayAhead = Date.now() + 24 * 3600 * 1000;
  return Date.parse(certificate.validTo) > dayAhead && certificate.verify(signer.publicKey);
}

let authorityOfThisProcess: Promise<KeyPair> | undefined;

/** The local certificate authority, made at its first use. Nothing outside the local system trusts it. */
export function ensureAuthority(): Promise<KeyPair> {
  // Steps that run side by side ask for it at the same moment, and must not make two.
  authorityOfThisProcess ??= makeAuthority();
  return authorityOfThisProcess;
}

async function makeAuthority(): Promise<KeyPair> {
  const pair = files("ca");
  if (usable(pair)) return pair;
  const made = await generate([{ name: "commonName", value: "digdag-runner local CA" }], {
    keyType: "ec",
    algorithm: "sha256",
    notAfterDate: notAfterDate(),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return save(pair, made.cert, made.private);
}

function subjectAltName(host: string): SubjectAltNameEntry {
  return isIP(host) ? { type: 7, ip: host } : { type: 2, value: host };
}

/**
 * A certificate of the local authority; the same one again while it is valid for what is asked.
 * @param name file name, and common name of the subject
 * @param use host names and addresses of a server, or the group (`O`) of a client
 */
export async function ensureCertificate(
  name: string,
  use: { hosts: string[] } | { clientGroup: string },
): Promise<KeyPair> {
  const authority = await ensureAuthority();
  const digest = createHash("sha256").update(JSON.stringify(use)).digest("hex").slice(0, 8);
  const pair = files(`${name}-${digest}`);
  if (usable(pair, authority)) return pair;
  const server = "hosts" in use;
  const subject = [{ name: "commonName", value: name }];
  if (!server) subject.push({ name: "organizationName", value: use.clientGroup });
  const made = await generate(subject, {
    keyType: "ec",
    algorithm: "sha256",
    notAfterDate: notAfterDate(),
    ca: { cert: readFileSync(authority.certificate, "utf8"), key: readFileSync(authority.key, "utf8") },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
      { name: "extKeyUsage", serverAuth: server, clientAuth: !server },
      ...(server ? [{ name: "subjectAltName" as const, altNames: use.hosts.map(subjectAltName) }] : []),
    ],
  });
  return save(pair, made.cert, made.private);
}
