import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { contextFiles } from "../../../components/imageContext";
import { buildArguments } from "../../../components/runnerImage";

const context = join(__dirname, "..", "..", "..", "runner-image");

interface Instruction {
  name: string;
  text: string;
}

/** The instructions of a Dockerfile, each on one line and without comments. */
function instructionsOf(dockerfile: string): Instruction[] {
  return dockerfile
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [name = "", ...rest] = line.trim().split(/\s+/);
      return { name, text: rest.join(" ") };
    });
}

const instructions = instructionsOf(readFileSync(join(context, "Dockerfile"), "utf8"));
const textsOf = (name: string) => instructions.filter((one) => one.name === name).map(({ text }) => text);

describe("the Dockerfile", () => {
  it("takes every build argument that the program gives, and needs no other", () => {
    const declared = new Set(textsOf("ARG").map((text) => text.split("=")[0]));
    declared.delete("TARGETARCH"); // set by BuildKit
    const given = buildArguments({
      baseImage: "",
      caCertificates: [],
      platform: "linux/amd64",
      runnerVersion: "",
      runnerUrl: "",
      runnerSha256: "",
      digdagVersion: "",
      digdagUrl: "",
      digdagSha256: "",
    });
    assert.deepEqual([...declared].sort(), Object.keys(given).sort());
  });

  it("takes only files that Docker is sent", () => {
    // The bundles are made before each build.
    const sent = new Set([
      ...contextFiles(context),
      ...["broker", "supervisor", "digdag-push"].map((p) => `dist/${p}.js`),
    ]);
    const sources = textsOf("COPY")
      .filter((text) => !text.includes("--from="))
      .flatMap((text) =>
        text
          .split(" ")
          .filter((word) => !word.startsWith("--"))
          .slice(0, -1),
      );
    assert.ok(sources.length > 0);
    assert.deepEqual(
      sources.filter((source) => !sent.has(source)),
      [],
    );
    for (const source of sources.filter((one) => !one.startsWith("dist/")))
      assert.ok(existsSync(join(context, source)), source);
  });

  it("checks every download before it uses it, and adds nothing by URL", () => {
    assert.deepEqual(textsOf("ADD"), []);
    const downloads = textsOf("RUN").filter((text) => /\b(curl|wget) -/.test(text));
    assert.equal(downloads.length, 2);
    for (const text of downloads) {
      const check = text.indexOf("sha256sum --check --strict");
      assert.ok(check > text.indexOf("curl --fail"), text);
      assert.ok(!/\b(tar|unzip|java|sh) /.test(text.slice(0, check)), text);
    }
  });

  it("trusts the given CAs in every stage, before the first download", () => {
    const bases = textsOf("FROM").map((text) => text.split(" ")[0]);
    const [first, ...others] = bases;
    assert.equal(first, "$" + "{BASE_IMAGE}");
    assert.ok(others.length > 0 && others.every((base) => base === "base"), bases.join());
    const commands = textsOf("RUN").map((text) => ({
      trusts: text.includes("update-ca-certificates"),
      downloads: text.includes("apt-get") || text.includes("curl -"),
    }));
    const trusting = commands.findIndex(({ trusts }) => trusts);
    assert.equal(
      commands.findIndex(({ downloads }) => downloads),
      trusting,
    );
  });

  it("runs as the user that runs jobs, in the end", () => {
    assert.equal(textsOf("USER").at(-1), "10001:10001");
  });
});
