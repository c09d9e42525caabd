import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { definitionLines } from "../../../digdag-push/definition";
import { type Config, loadYaml } from "../../../digdag-push/yaml";
import { read } from "./support";

const load = (text: string) => loadYaml("a.dig", new Map([["a.dig", text]]));

describe("a workflow file", () => {
  it("has the values that Digdag's YAML library reads from it, in 71 recorded cases", () => {
    const rows = read(join(__dirname, "snakeyaml.tsv"))
      .split("\n")
      .filter((row) => row !== "" && !row.startsWith("#"));
    assert.equal(rows.length, 71);
    for (const row of rows) {
      const [scalar, type, value] = row.split("\t");
      const found = load(`k: ${scalar}\n`).config?.k;
      assert.deepEqual([found === null ? "null" : typeof found, String(found)], [type, value], row);
    }
  });

  it("merges mappings and follows anchors as YAML says", () => {
    const { config, problems } = load(
      "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{z: 4}, *a], x: 9}\nd: *a\ne: {y: 3, <<: *a}\n",
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(config?.b, { x: 1, y: 3 });
    assert.deepEqual(config?.c, { x: 9, y: 2, z: 4 });
    assert.deepEqual(config?.d, { x: 1, y: 2 });
    assert.deepEqual(config?.e, { y: 3, x: 1 });
  });

  it("starts with a byte order mark or not, and ends its lines either way", () => {
    for (const text of ["\ufeff+a:\n  echo>: b\n", "+a:\r\n  echo>: b\r\n", "+a:\n  echo>: b"])
      assert.deepEqual(load(text).config, { "+a": { "echo>": "b" } });
  });
});

describe("the lines of a definition", () => {
  const key = fc.stringMatching(/^[a-z_]{1,5}>?$/);
  const { config } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom("a\nb", "x\n")),
      fc.array(tie("value"), { maxLength: 3 }),
      tie("config"),
    ),
    config: fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  }));

  it("are equal for what the server stored as JSON, in whatever order of parameters", () => {
    fc.assert(
      fc.property(config as fc.Arbitrary<Config>, (given) => {
        const reversed = Object.fromEntries(Object.entries(given).reverse()) as Config;
        const stored = JSON.parse(JSON.stringify(reversed)) as Config;
        const lines = (one: Config) => definitionLines({ timezone: "UTC", config: one });
        assert.deepEqual(lines(stored), lines(given));
      }),
    );
  });

  it("differ when a value or the order of tasks does", () => {
    const lines = (text: string) =>
      definitionLines({ timezone: "UTC", config: load(text).config ?? {} }).join("\n");
    assert.notEqual(lines("+a: {sh>: x}\n+b: {sh>: y}\n"), lines("+b: {sh>: y}\n+a: {sh>: x}\n"));
    assert.notEqual(lines("+a: {sh>: x}\n"), lines("+a: {sh>: y}\n"));
    assert.notEqual(lines("a: [1, 2]\n"), lines("a: [2, 1]\n"));
    assert.equal(lines("a: 0.5\n"), lines("a: '0.5'\n"), "text and number are one");
  });
});
