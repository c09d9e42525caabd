import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { baseKey } from "../../../local/docker/baseImage";
import { dockerEnvironment } from "../../../local/docker/daemon";
import { registryConfig } from "../../../local/docker/registry";
import { mirrorOf } from "../../../local/docker/rootfs";
import { ensurePackages, findCommand, missingMessage } from "../../../local/install";

describe("programs that the local system needs", () => {
  it("are found on PATH and by absolute path, if they can be executed", () => {
    const directory = mkdtempSync(join(tmpdir(), "commands-"));
    try {
      const file = join(directory, "some-program");
      writeFileSync(file, "");
      assert.equal(findCommand("some-program", directory), undefined);
      chmodSync(file, 0o755);
      assert.equal(findCommand("some-program", `/nowhere:${directory}`), file);
      assert.equal(findCommand(file, ""), file);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("are listed all at once when they cannot be installed from here, each package once", () => {
    const message = missingMessage([
      { command: "dockerd", debianPackage: "docker.io" },
      { command: "docker", debianPackage: "docker.io" },
      { command: "etcd", debianPackage: "etcd-server" },
    ]);
    for (const name of ["dockerd", "etcd"]) assert.match(message, new RegExp(`^ {2}${name} `, "m"));
    assert.match(message, /apt-get install --no-install-recommends docker\.io etcd-server$/);
  });

  it("are not installed again", async () => {
    await ensurePackages([{ command: process.execPath, debianPackage: "none" }], { report: assert.fail });
  });
});

describe("base image", () => {
  const source = { mirror: "http://mirror.example.com/debian" };

  it("is the same within a month, and another with another source", () => {
    const first = baseKey(source, new Date("2026-01-01T00:00:00Z"));
    assert.equal(baseKey(source, new Date("2026-01-31T23:59:59Z")), first);
    assert.notEqual(baseKey(source, new Date("2026-02-01T00:00:00Z")), first);
    assert.notEqual(
      baseKey({ ...source, proxy: "http://proxy:3128" }, new Date("2026-01-01T00:00:00Z")),
      first,
    );
  });

  it("comes from the mirror of the release that the machine itself uses", () => {
    const targets = [
      "https://deb.example.com/node_20.x nodistro . nodistro main",
      "http://mirror.example.com/debian-security bookworm-security Debian main",
      "http://mirror.example.com/debian/ bookworm Debian main",
    ].join("\n");
    assert.equal(mirrorOf(targets), "http://mirror.example.com/debian");
  });

  it("comes from debootstrap's default mirror where the machine is another release", () => {
    assert.equal(mirrorOf("http://mirror.example.com/ubuntu noble Ubuntu main\n"), undefined);
    assert.equal(mirrorOf(""), undefined);
  });
});

describe("Docker and registry of the local system", () => {
  it("know nothing of the person's own Docker settings", () => {
    const before = { ...process.env };
    process.env.DOCKER_HOST = "tcp://production:2376";
    process.env.DOCKER_CONTEXT = "production";
    try {
      const environment = dockerEnvironment();
      assert.match(environment.DOCKER_HOST ?? "", /^unix:\/\/.*\/\.local\/run\/docker\.sock$/);
      assert.match(environment.DOCKER_CONFIG ?? "", /\/\.local\//);
      assert.ok(!Object.values(environment).some((value) => value?.includes("production")));
    } finally {
      process.env = before;
    }
  });

  it("listen where they are told", () => {
    const config = parse(registryConfig("127.0.0.1:5001", "/srv/storage"));
    assert.equal(config.http.addr, "127.0.0.1:5001");
    assert.equal(config.storage.filesystem.rootdirectory, "/srv/storage");
  });
});
