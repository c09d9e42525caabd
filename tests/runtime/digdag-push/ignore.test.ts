import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";

import fc from "fast-check";
import { readProject } from "../../../digdag-push/project";
import { Cleaner, type Files, writeFiles } from "../../unit/digdag-push/support";

describe(".digdagignore", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  const NAMES = ["a", "b.sql", "b.tmp", "ab", "A", "x y", "é.sql", "[a]", "sub", "a.b.c"];
  const FOLDERS = ["", "sub/", "sub/deep/", "b.sql.d/", "x y/"];
  const PATHS = FOLDERS.flatMap((folder) => NAMES.map((name) => `${folder}f-${name}`));

  it("excludes what git check-ignore excludes, whatever the patterns", function () {
    this.timeout(60_000);
    const files: Files = Object.fromEntries([["f-main.dig", "+a:\n"], ...PATHS.map((path) => [path, "x"])]);
    const directory = cleaner.project(files);
    execFileSync("git", ["init", "--quiet"], { cwd: directory });
    const segment = fc.oneof(
      fc.constantFrom(...NAMES.map((name) => `f-${name}`), "sub", "deep", "x y", "b.sql.d"),
      fc.constantFrom(
        "*",
        "**",
        "f-*",
        "*.sql",
        "*.tmp",
        "f-?",
        "f-[ab]*",
        "f-[!a]*",
        "f-a*",
        "\\*",
        "f-\\[a\\]",
      ),
    );
    const pattern = fc
      .record({
        negated: fc.boolean(),
        rooted: fc.boolean(),
        segments: fc.array(segment, { minLength: 1, maxLength: 3 }),
        folder: fc.boolean(),
        spaces: fc.constantFrom("", "", " ", "\\ "),
      })
      .map(({ negated, rooted, segments, folder, spaces }) =>
        [negated && "!", rooted && "/", segments.join("/"), folder && "/", spaces].filter(Boolean).join(""),
      );
    const line = fc.oneof(
      { weight: 8, arbitrary: pattern },
      { weight: 1, arbitrary: fc.constantFrom("", "# f-a", "\\#x", "  ") },
    );
    const text = fc
      .tuple(fc.array(line, { minLength: 1, maxLength: 6 }), fc.constantFrom("\n", "\r\n"))
      // git itself takes \r for a part of the pattern, and .digdagignore of a Windows checkout must work all the same.
      .map(([lines, end]) => ({ lines: [...lines, "!/f-main.dig"], end }))
      .map(({ lines, end }) => ({ ours: lines.join(end), gits: lines.join("\n") }));
    fc.assert(
      fc.property(text, ({ ours, gits }) => {
        writeFiles(directory, { ".digdagignore": ours, ".git/info/exclude": gits });
        const { stdout } = spawnSync(
          "git",
          ["-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin", "-z"],
          {
            cwd: directory,
            input: PATHS.join("\0"),
            encoding: "utf8",
          },
        );
        const excluded = new Set(stdout.split("\0"));
        const expected = PATHS.filter((path) => !excluded.has(path)).sort();
        assert.deepEqual(uploaded(directory), expected, JSON.stringify(gits));
      }),
      { numRuns: 50 },
    );
  });

  const uploaded = (directory: string) =>
    readProject(directory)
      .entries.map(({ path }) => path)
      .filter((path) => path !== "f-main.dig")
      .sort();
});
