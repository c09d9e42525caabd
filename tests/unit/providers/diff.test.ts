import assert from "node:assert/strict";
import { changedProperties, planChange } from "../../../local/providers/diff";
import { needsReplacement } from "../../../local/providers/kubernetes/replacement";
import { type ResourceKind, UNKNOWN } from "../../../local/providers/standIn";

describe("the difference between two sets of inputs", () => {
  it("is empty for equal inputs, whatever the order of their keys", () => {
    assert.deepEqual(changedProperties({ a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }), []);
  });

  it("names each changed property by the engine's path", () => {
    assert.deepEqual(
      changedProperties(
        { a: 1, gone: 1, list: [{ x: 1 }], "a.b/c": 1 },
        { a: 2, list: [{ x: 2 }, { x: 3 }], "a.b/c": 2, added: 1 },
      ),
      [
        { path: "a", kind: "update" },
        { path: "gone", kind: "delete" },
        { path: "list[0].x", kind: "update" },
        { path: "list[1]", kind: "add" },
        { path: '["a.b/c"]', kind: "update" },
        { path: "added", kind: "add" },
      ],
    );
  });

  it("counts an unknown value as a change, and the engine's own keys as none", () => {
    assert.deepEqual(changedProperties({ a: 1, __x: 1 }, { a: UNKNOWN, __x: 2 }), [
      { path: "a", kind: "update" },
    ]);
  });

  it("replaces first and deletes later only where both may exist at once", () => {
    const kind = {
      replaces: (path: string) => path === "name",
      ignores: (path: string) => path === "password",
      deleteBeforeReplace: () => true,
    } as unknown as ResourceKind;
    assert.deepEqual(planChange(kind, { name: "a", password: "1" }, { name: "b", password: "2" }), {
      changes: [{ path: "name", kind: "update", replace: true }],
      deleteBeforeReplace: true,
    });
    assert.equal(planChange(kind, { size: 1 }, { size: 2 }).deleteBeforeReplace, false);
  });
});

describe("a changed Kubernetes object", () => {
  const immutable = { configMap: false, secret: false };

  it("is replaced for what Kubernetes does not let anyone change", () => {
    for (const [kind, path] of [
      ["Deployment", "spec.selector.matchLabels.app"],
      ["Deployment", "metadata.name"],
      ["Secret", "stringData.token"],
      ["ConfigMap", 'data["a.b"]'],
    ] as const) {
      assert.ok(needsReplacement(path, { kind }, immutable), `${kind} ${path}`);
    }
  });

  it("is updated for everything else", () => {
    assert.ok(!needsReplacement("spec.replicas", { kind: "Deployment" }, immutable));
    assert.ok(!needsReplacement("stringData.token", { kind: "Secret" }, { ...immutable, secret: true }));
    assert.ok(!needsReplacement("metadata.namespaced", { kind: "Secret" }, immutable));
  });

  it("is replaced when the object says that it is immutable", () => {
    const newInputs = { kind: "Secret", immutable: true };
    assert.ok(needsReplacement("data.token", newInputs, { ...immutable, secret: true }));
  });
});
