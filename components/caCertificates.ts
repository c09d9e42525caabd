import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** CA certificates in PEM form, without repetition; or all that is wrong with their file, each to follow its name. */
export type CaCertificates =
  | { certificates: string[]; problems?: undefined }
  | { certificates?: undefined; problems: string[] };

/** Linux limits one argument of a command to 128 KiB, and as a build argument they are in base64, a third longer. */
const maximumKiB = 64;

/** Reads and checks a PEM file. @param file relative to `directory` */
export function readCaCertificates(directory: string, file: string): CaCertificates {
  try {
    return parseCaCertificates(readFileSync(resolve(directory, file), "utf8"), new Date());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problems: [`cannot be read (${code}). The path starts at the directory of Pulumi.yaml`] };
  }
}

/** The certificates in `text`, each of which must be a CA's and valid at `now`. What else it holds is never repeated. */
export function parseCaCertificates(text: string, now: Date): CaCertificates {
  const labels = Array.from(text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g), ([, label]) => String(label));
  const key = labels.find((label) => label.endsWith("PRIVATE KEY"));
  if (key) return { problems: [`holds a ${key}, which must never get into an image: remove it`] };
  const foreign = labels.find((label) => label !== "CERTIFICATE");
  if (foreign) return { problems: [`holds a ${foreign}: only CERTIFICATE is allowed`] };
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length < labels.length)
    return { problems: ["must hold certificates from -----BEGIN CERTIFICATE----- to their -----END line"] };
  const parsed = blocks.map((block, index) => parseCertificate(block, index + 1, now));
  const problems = parsed.flatMap(({ problem }) => problem ?? []);
  const certificates = [...new Set(parsed.flatMap(({ pem }) => pem ?? []))];
  if (certificates.join("").length > maximumKiB * 1024)
    problems.push(`holds more than ${maximumKiB} KiB of certificates: leave only those that are needed`);
  return problems.length > 0 ? { problems } : { certificates };
}

function parseCertificate(block: string, number: number, now: Date): { pem?: string; problem?: string } {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(block);
  } catch {
    return { problem: `holds a certificate, number ${number}, that is damaged` };
  }
  const subject = certificate.subject?.replaceAll("\n", ", ") ?? "without a subject";
  const day = (date: string) => new Date(date).toISOString().slice(0, "2026-01-31".length);
  const its = (problem: string) => ({
    problem: `holds certificate ${number} (${subject}), which ${problem}`,
  });
  if (!certificate.ca) return its("is not a CA's (no CA:TRUE): take that of the authority that issued it");
  if (Date.parse(certificate.validTo) <= now.getTime()) return its(`expired on ${day(certificate.validTo)}`);
  if (Date.parse(certificate.validFrom) > now.getTime())
    return its(`is valid only from ${day(certificate.validFrom)} on`);
  return { pem: certificate.toString() };
}
