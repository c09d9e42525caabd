import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { extract, type Header } from "tar-stream";
import { buildArchive } from "../../../digdag-push/archive";
import { ARCHIVE_LIMIT } from "../../../digdag-push/limits";
import { readProject } from "../../../digdag-push/project";
import { Cleaner, writeFiles } from "./support";

async function unpack(bytes: Buffer): Promise<(Header & { content: string })[]> {
  const reader = extract();
  reader.end(gunzipSync(bytes));
  const entries: (Header & { content: string })[] = [];
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    entries.push({ ...entry.header, content: Buffer.concat(chunks).toString("utf8") });
  }
  return entries;
}

const archiveOf = async (directory: string) => buildArchive(readProject(directory).entries);

describe("the archive", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("is the same whatever the order of creation, the time of the files and the umask", async () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_ é-]{1,12}$/).filter((text) => text.trim() === text);
    const file = fc.record({
      folder: fc.constantFrom("", "a/", "b/c/"),
      name,
      content: fc.string({ maxLength: 300 }),
      executable: fc.boolean(),
    });
    const files = fc.uniqueArray(file, {
      maxLength: 8,
      selector: (one) => (one.folder + one.name).toLowerCase(),
    });
    await fc.assert(
      fc.asyncProperty(
        files,
        fc.infiniteStream(fc.nat()),
        fc.constantFrom(0o022, 0o077, 0o002),
        async (given, order, umask) => {
          const make = async (list: typeof given, time: number, mask: number) => {
            const former = process.umask(mask);
            try {
              const directory = cleaner.project({ "main.dig": "+a:\n  echo>: a\n" });
              for (const { folder, name: base, content, executable } of list) {
                const path = `${folder}f${base}`;
                writeFiles(directory, { [path]: content });
                chmodSync(join(directory, path), executable ? 0o777 & ~mask : 0o666 & ~mask);
                utimesSync(join(directory, path), time, time);
              }
              return await archiveOf(directory);
            } finally {
              process.umask(former);
            }
          };
          const shuffled = given
            .map((one) => ({ one, rank: order.next().value }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ one }) => one);
          const first = await make(given, 1_000_000, 0o022);
          const second = await make(shuffled, 2_000_000, umask);
          assert.deepEqual(second, first);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("has the bytes recorded here, on every machine and processor", async () => {
    const directory = cleaner.project({
      "main.dig": `+a:\n  sh>: scripts/run.sh\n# ${"abcdefghij".repeat(300)}\n`,
      "scripts/run.sh": "#!/bin/sh\necho hello\n",
      "データ/é.sql": "SELECT 1;\n",
    });
    chmodSync(join(directory, "scripts/run.sh"), 0o755);
    const { bytes, md5 } = await archiveOf(directory);
    assert.equal(md5, createHash("md5").update(bytes).digest("base64"));
    assert.equal(md5, "+C792YKISj26eeNSGTS/lw==");
  });

  it("holds files only, sorted by bytes, with owner 0, time 0 and mode 0644 or 0755", async () => {
    const directory = cleaner.project({
      "main.dig": "+a:\n",
      "B.sql": "b",
      "a/run.sh": "x",
      "é.sql": "e",
      "a.sql": "a",
    });
    chmodSync(join(directory, "a/run.sh"), 0o700);
    chmodSync(join(directory, "B.sql"), 0o600);
    const entries = await unpack((await archiveOf(directory)).bytes);
    assert.deepEqual(
      entries.map(({ name, mode, type }) => [name, mode, type]),
      [
        ["B.sql", 0o644, "file"],
        ["a.sql", 0o644, "file"],
        ["a/run.sh", 0o755, "file"],
        ["main.dig", 0o644, "file"],
        ["é.sql", 0o644, "file"],
      ],
    );
    for (const { uid, gid, mtime } of entries) assert.deepEqual([uid, gid, mtime?.getTime()], [0, 0, 0]);
  });

  it("keeps a link inside the project as a relative link", async () => {
    const directory = cleaner.project({ "main.dig": "+a:\n", "queries/a.sql": "a", "b/c/.keep": "" });
    symlinkSync("../../queries/a.sql", join(directory, "b/c/relative.sql"));
    symlinkSync(join(directory, "queries"), join(directory, "absolute"));
    const links = (await unpack((await archiveOf(directory)).bytes)).filter(({ type }) => type === "symlink");
    assert.deepEqual(
      links.map(({ name, linkname }) => [name, linkname]),
      [
        ["absolute", "queries"],
        ["b/c/relative.sql", "../../queries/a.sql"],
      ],
    );
  });

  it("holds the content of a linked workflow, since the server does not follow links", async () => {
    const directory = cleaner.project({ "main.dig": "+a:\n", "shared/b.dig": "+b:\n  echo>: b\n" });
    symlinkSync("shared/b.dig", join(directory, "b.dig"));
    const entry = (await unpack((await archiveOf(directory)).bytes)).find(({ name }) => name === "b.dig");
    assert.deepEqual([entry?.type, entry?.content], ["file", "+b:\n  echo>: b\n"]);
  });

  it("keeps names of any length and script", async () => {
    const long = `${"folder/".repeat(30)}${"n".repeat(120)}.sql`;
    const directory = cleaner.project({ "main.dig": "+a:\n", [long]: "long", "日本語/クエリ.sql": "q" });
    const names = (await unpack((await archiveOf(directory)).bytes)).map(({ name }) => name);
    assert.deepEqual(names, [long, "main.dig", "日本語/クエリ.sql"]);
  });

  it("leaves out dotfiles and what .digdagignore excludes, and does not read .gitignore", async () => {
    const directory = cleaner.project({
      "main.dig": "+a:\n",
      ".env": "SECRET=1",
      ".git/config": "x",
      "a/.hidden/file": "x",
      "a/keep.sql": "x",
      "a/drop.tmp": "x",
      "a/keep.tmp": "x",
      "tests/x.sh": "x",
      "sub/tests/x.sh": "x",
      "by-git.sql": "x",
      ".gitignore": "by-git.sql\n",
      ".digdagignore": "# comment\n*.tmp\n!keep.tmp\n/tests/\n!.env\r\n",
    });
    const names = (await unpack((await archiveOf(directory)).bytes)).map(({ name }) => name);
    assert.deepEqual(names, ["a/keep.sql", "a/keep.tmp", "by-git.sql", "main.dig", "sub/tests/x.sh"]);
  });

  it("is refused when it is larger than Digdag accepts", async () => {
    const content = randomBytes(ARCHIVE_LIMIT);
    await assert.rejects(
      buildArchive([{ kind: "file", path: "noise", executable: false, content }]),
      /more than Digdag accepts \(2097152\)/,
    );
  });

  it("does not touch the project", async () => {
    const directory = cleaner.project({ "main.dig": "+a:\n" });
    writeFileSync(join(directory, "b.sql"), "b");
    await archiveOf(directory);
    assert.deepEqual(readdirSync(directory).sort(), ["b.sql", "main.dig"]);
  });
});
