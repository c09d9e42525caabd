import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  changesWithoutNote,
  type Schema,
  schemaChanges,
  unreleasedNotes,
} from "../../../scripts/schemaChanges";

const root = join(__dirname, "..", "..", "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const current: Schema = JSON.parse(read("package/schema.json"));
const released: Schema = JSON.parse(read("package/schema.released.json"));
const changelog = read("CHANGELOG.md");

const runnerToken = "digdag-runner:index:DigdagRunner";

/** A copy of the current schema in which one thing is different. */
function changed(change: (runner: Schema["resources"][string], schema: Schema) => void): Schema {
  const copy: Schema = structuredClone(current);
  const runner = copy.resources[runnerToken];
  assert.ok(runner);
  change(runner, copy);
  return copy;
}

const differences = (change: Parameters<typeof changed>[0]) =>
  schemaChanges(current, changed(change)).map(({ what }) => what);

describe("the package's schema", () => {
  it("has not changed since the last release without a note in the changelog", () => {
    const missing = changesWithoutNote(schemaChanges(released, current), changelog);
    assert.deepEqual(
      missing.map(
        ({ what, name }) => `${what}: add a line with \`${name}\` under "## Unreleased" in CHANGELOG.md`,
      ),
      [],
    );
  });

  it("describes every component, input, output and type", () => {
    for (const [token, resource] of Object.entries(current.resources)) {
      const described = { [token]: resource, ...resource.inputProperties, ...resource.properties };
      for (const [name, part] of Object.entries(described))
        assert.ok((part as { description?: string }).description, `${name} of ${token} has no docstring`);
    }
  });

  it("has the version of package.json", () => {
    assert.equal(current.version, JSON.parse(read("package.json")).version);
  });
});

describe("changes of a schema", () => {
  it("are none when only docstrings changed", () => {
    assert.deepEqual(
      differences((runner) => Object.assign(runner.inputProperties.replicas ?? {}, { description: "other" })),
      [],
    );
  });

  it("are seen in inputs, outputs, types and components", () => {
    assert.deepEqual(
      differences((runner, schema) => {
        delete runner.inputProperties.replicas;
        runner.inputProperties.pools = { type: "number" };
        runner.inputProperties.namespace = { type: "number" };
        runner.requiredInputs = [...runner.requiredInputs, "runnerGroup"];
        delete runner.properties?.imageReference;
        schema.types["digdag-runner:index:Environment"]?.enum?.push({ name: "dev", value: "dev" });
        schema.resources["digdag-runner:index:Other"] = { inputProperties: {}, requiredInputs: [] };
      }),
      [
        "component Other is new",
        "input namespace of DigdagRunner was changed",
        "input pools of DigdagRunner is new",
        "input replicas of DigdagRunner was removed",
        "input runnerGroup of DigdagRunner was changed",
        "output imageReference of DigdagRunner was removed",
        "value dev of Environment is new",
      ],
    );
  });

  it("need a note that names each of them, where nothing is released yet", () => {
    const changes = schemaChanges(
      current,
      changed((runner) => Object.assign(runner.inputProperties, { pools: {}, zones: {} })),
    );
    const text = "# Changelog\n\n## Unreleased\n\n- New input `pools`.\n\n## 0.1.0\n\n- `zones`\n";
    assert.deepEqual(
      changesWithoutNote(changes, text).map(({ name }) => name),
      ["zones"],
    );
    assert.deepEqual(changesWithoutNote(changes, "## Unreleased\n- `pools` and `zones`\n"), []);
    assert.throws(() => unreleasedNotes("# Changelog\n"), /no heading "## Unreleased"/);
  });
});
