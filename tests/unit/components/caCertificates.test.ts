import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";
import { parseCaCertificates, readCaCertificates } from "../../../components/caCertificates";
import { renderProblems } from "../../../components/configProblems";
import { readSchema } from "../../../components/configSchema";
import { validate } from "../../../components/configValidation";
import { buildArguments } from "../../../components/runnerImage";
import { account, deploy, stgConfig } from "./account";

const now = new Date("2026-06-15T12:00:00Z");

async function certificate(
  name: string,
  { ca = true, from = "2026-01-01", to = "2027-01-01" }: { ca?: boolean; from?: string; to?: string } = {},
) {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(from),
    notAfterDate: new Date(to),
    extensions: [{ name: "basicConstraints", cA: ca, critical: true }],
  });
  return { cert, key };
}

const problemOf = (text: string) => parseCaCertificates(text, now).problems?.join("\n");

describe("the file of CA certificates", () => {
  let one: string;
  let key: string;
  let two: string;
  before(async () => {
    ({ cert: one, key } = await certificate("one"));
    ({ cert: two } = await certificate("two"));
  });

  it("may hold several certificates, comments and repetitions, and any line ends", () => {
    const { certificates } = parseCaCertificates(
      `# Subject: CN=one\r\n${one.replaceAll("\n", "\r\n")}\n${two}${one}`,
      now,
    );
    assert.equal(certificates?.length, 2);
    for (const pem of certificates ?? [])
      assert.match(pem, /^-----BEGIN CERTIFICATE-----\n[\w+/=\n]+-----END CERTIFICATE-----\n$/);
  });

  it("is refused with a private key in it, which is not shown", () => {
    const problem = problemOf(`${one}${key}`);
    assert.match(problem ?? "", /holds a PRIVATE KEY.*never/);
    for (const line of key.split("\n").slice(1, -2)) assert.ok(!problem?.includes(line.trim()));
  });

  it("is refused with anything else than certificates in it", () => {
    const request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    assert.match(problemOf(one + request) ?? "", /CERTIFICATE REQUEST: only CERTIFICATE is allowed/);
  });

  it("is refused without a whole certificate", () => {
    for (const text of ["", "DER or anything", one.slice(0, -30), one + two.slice(0, 100)])
      assert.match(problemOf(text) ?? "", /must hold certificates from -----BEGIN CERTIFICATE-----/);
    assert.match(problemOf(one.replace(/\n.{40}/, "\n")) ?? "", /certificate, number 1, that is damaged/);
  });

  it("is refused for each certificate that is no CA's or not valid now, by its number, subject and date", async () => {
    const { cert: server } = await certificate("www.example.com", { ca: false });
    const { cert: old } = await certificate("old", { from: "2020-01-01", to: "2026-06-14" });
    const { cert: future } = await certificate("future", { from: "2026-07-01" });
    assert.deepEqual(parseCaCertificates([one, server, old, future].join(""), now).problems, [
      "holds certificate 2 (CN=www.example.com), which is not a CA's (no CA:TRUE): take that of the authority that issued it",
      "holds certificate 3 (CN=old), which expired on 2026-06-14",
      "holds certificate 4 (CN=future), which is valid only from 2026-07-01 on",
    ]);
  });

  it("is refused when it is too large for a build argument", async () => {
    const name = "x".repeat(60_000);
    const large = await Promise.all([certificate(`1${name}`), certificate(`2${name}`)]);
    assert.match(problemOf(large.map(({ cert }) => cert).join("")) ?? "", /more than 64 KiB/);
  });

  it("is named with the reason when it cannot be read", () => {
    assert.deepEqual(readCaCertificates("/nowhere", "ca.pem").problems, [
      "cannot be read (ENOENT). The path starts at the directory of Pulumi.yaml",
    ]);
  });
});

describe("caCertificateFile", () => {
  const schema = readSchema(join(__dirname, "..", "..", ".."));
  const raw = (file: string, caCertificates?: ReturnType<typeof parseCaCertificates>) => ({
    stack: "stg",
    schema,
    values: { ...stgConfig, "digdag-runner:caCertificateFile": file },
    secretKeys: new Set<string>(),
    stackLabels: {},
    gitHubToken: false,
    ...(caCertificates && { caCertificates }),
  });

  it("shows what is wrong with the file among all other problems", () => {
    const { problems } = validate(raw("ca.pem", { problems: ["is wrong", "is also wrong"] }));
    const message = renderProblems("stg", problems ?? []);
    assert.match(message, /1\. caCertificateFile is "ca\.pem": it is wrong\.$/m);
    assert.match(message, /2\. caCertificateFile is "ca\.pem": it is also wrong\.$/m);
    assert.match(message, /^ {5}pulumi config set --stack stg caCertificateFile company-ca\.pem$/m);
  });

  it("is a path: a key or certificate in its place is refused once, and not shown", () => {
    const pasted = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----";
    const { problems } = validate(raw(pasted, { problems: ["cannot be read"] }));
    assert.deepEqual(
      problems?.map(({ reason }) => reason),
      ["is [not shown]: must be the path of a PEM file, not what it holds"],
    );
  });

  it("reaches the build as one argument, which is empty without it", async () => {
    const { cert } = await certificate("one");
    const { config } = validate(raw("ca.pem", parseCaCertificates(cert, now)));
    assert.ok(config);
    const encoded = buildArguments(config).CA_CERTIFICATES ?? "";
    assert.deepEqual(config.caCertificates, [Buffer.from(encoded, "base64").toString()]);
    assert.equal(buildArguments({ ...config, caCertificates: [] }).CA_CERTIFICATES, "");
  });

  it("is read by the program, and gives the image another tag", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ca-certificates-"));
    try {
      const { cert } = await certificate("now", { from: "2020-01-01", to: "2100-01-01" });
      const file = join(directory, "ca.pem");
      writeFileSync(file, cert);
      const config = { "digdag-runner:caCertificateFile": file };
      const [without, plan] = [await deploy(), await deploy(account(), { config })];
      const { build, imageName } = plan.only("Image").inputs;
      assert.equal(
        Buffer.from(build.args.CA_CERTIFICATES, "base64").toString(),
        new X509Certificate(cert).toString(),
      );
      assert.notEqual(imageName, without.only("Image").inputs.imageName);
      rmSync(file);
      await assert.rejects(deploy(account(), { config }), /ca\.pem": it cannot be read \(ENOENT\)/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
