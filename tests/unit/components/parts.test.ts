import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readSchema } from "../../../components/configSchema";
import { ingressRules } from "../../../components/digdagAccess";
import { contentTag, contextFiles, normalizeModes } from "../../../components/imageContext";
import { digestReference } from "../../../components/runnerImage";
import { renderTable, withTable } from "../../../scripts/configurationReference";

describe("the rules for Digdag's ALB", () => {
  const args = {
    environment: "prd",
    githubOwner: "example-org",
    digdagEndpoint: "https://digdag.example.com",
    securityGroupId: "sg-00000001",
    natAddresses: ["203.0.113.1/32", "203.0.113.2", "203.0.113.1"],
  };

  it("are one per distinct address, named after it", () => {
    const rules = ingressRules(args);
    assert.deepEqual(
      rules.map(({ suffix, source, port }) => [suffix, source, port]),
      [
        ["203-0-113-1", { cidrIpv4: "203.0.113.1/32" }, 443],
        ["203-0-113-2", { cidrIpv4: "203.0.113.2/32" }, 443],
      ],
    );
  });

  it("are one for a security group", () => {
    const inside = { ...args, natAddresses: [], sourceSecurityGroupId: "sg-0000000f" };
    assert.deepEqual(
      ingressRules(inside).map(({ suffix, source }) => [suffix, source]),
      [["sg-0000000f", { referencedSecurityGroupId: "sg-0000000f" }]],
    );
  });

  it("are refused without a source, and with two kinds of it", () => {
    for (const wrong of [{ natAddresses: [] }, { sourceSecurityGroupId: "sg-0000000f" }]) {
      assert.throws(() => ingressRules({ ...args, ...wrong }), /sourceSecurityGroupId for an internal one/);
    }
  });

  it("open the endpoint's own port", () => {
    assert.equal(ingressRules({ ...args, digdagEndpoint: "https://digdag.example.com:8443" })[0]?.port, 8443);
  });

  for (const wrong of ["0.0.0.0/0", "203.0.113.0/24", "10.0.0.1", "::/0"]) {
    it(`are refused for ${wrong}, wherever it came from`, () => {
      assert.throws(
        () => ingressRules({ ...args, natAddresses: [wrong] }),
        /natAddresses|must|would|not a public/,
      );
    });
  }
});

describe("the image's reference", () => {
  const digest = `sha256:${"0f".repeat(32)}`;

  it("is the repository with the digest, without a tag", () => {
    for (const reported of [`r.example.com/x@${digest}`, `r.example.com/x:tag@${digest}`]) {
      assert.equal(digestReference("r.example.com/x", reported), `r.example.com/x@${digest}`);
    }
  });

  it("is refused without a digest", () => {
    for (const reported of ["r.example.com/x:tag", "", "r.example.com/x@sha256:abc"]) {
      assert.throws(() => digestReference("r.example.com/x", reported), /not NAME@sha256:DIGEST/);
    }
  });
});

describe("the tag of the image", () => {
  let directory: string;
  const write = (file: string, text = file) => {
    const path = join(directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, 0o644);
  };
  const tag = (inputs: Record<string, string> = { A: "1" }) => contentTag(directory, inputs);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "digdag-runner-context-"));
    write(".dockerignore", "# all but what the image needs\n*\n!dist\n!launchers/\ndist/*.map\n");
    for (const file of [
      "Dockerfile",
      "dist/broker.js",
      "dist/broker.js.map",
      "launchers/digdag",
      "broker/main.ts",
    ])
      write(file);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("counts the files that Docker sends, by the patterns Docker uses", () => {
    assert.deepEqual(contextFiles(directory), ["Dockerfile", "dist/broker.js", "launchers/digdag"]);
  });

  it("counts every file when nothing is excluded", () => {
    rmSync(join(directory, ".dockerignore"));
    assert.equal(contextFiles(directory).length, 5);
  });

  it("is built from files with the two modes that Git knows, whatever umask the checkout had", () => {
    chmodSync(join(directory, "Dockerfile"), 0o600);
    chmodSync(join(directory, "launchers/digdag"), 0o775);
    normalizeModes(directory);
    assert.equal(statSync(join(directory, "Dockerfile")).mode & 0o777, 0o644);
    assert.equal(statSync(join(directory, "launchers/digdag")).mode & 0o777, 0o755);
  });

  it("is the same for the same inputs, in whatever order and at whatever time", () => {
    const before = tag({ A: "1", B: "2" });
    write("dist/broker.js");
    assert.equal(tag({ B: "2", A: "1" }), before);
    assert.match(before, /^[0-9a-f]{20}$/);
  });

  it("is another one for another file, name, mode or argument", () => {
    const tags = [tag(), tag({ A: "2" }), tag({ A: "1", B: "" }), tag({ A1: "" })];
    write("dist/broker.js", "changed");
    tags.push(tag());
    write("dist/supervisor.js");
    tags.push(tag());
    chmodSync(join(directory, "launchers/digdag"), 0o755);
    tags.push(tag());
    assert.equal(new Set(tags).size, tags.length);
  });

  it("is the same when only an excluded file changes", () => {
    const before = tag();
    write("broker/main.ts", "changed");
    write("dist/broker.js.map", "changed");
    assert.equal(tag(), before);
  });
});

describe("the configuration reference", () => {
  const root = join(__dirname, "..", "..", "..");

  it("says what Pulumi.yaml says", () => {
    const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
    assert.equal(withTable(page, renderTable(readSchema(root))), page);
  });

  it("replaces what stands between the markers and nothing else", () => {
    const markers = [
      "<!-- generated from Pulumi.yaml: start -->",
      "<!-- generated from Pulumi.yaml: end -->",
    ];
    const page = (table: string) => `before\n${markers[0]}\n${table}\n${markers[1]}\nafter\n`;
    assert.equal(withTable(page("old\ntable"), "new"), page("new"));
    assert.throws(() => withTable("no markers", "new"), /markers/);
  });
});
