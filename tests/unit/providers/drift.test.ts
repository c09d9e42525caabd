import assert from "node:assert/strict";
import { liveInputs } from "../../../local/providers/kubernetes/drift";

describe("the live values of an object's inputs", () => {
  it("show what was changed by hand", () => {
    assert.deepEqual(liveInputs({ spec: { replicas: 1 } }, { spec: { replicas: 3 } }), {
      spec: { replicas: 3 },
    });
  });

  it("hide what the API server and controllers added", () => {
    const inputs = { metadata: { name: "x" }, spec: { containers: [{ name: "a", image: "i" }] } };
    const live = {
      metadata: { name: "x", uid: "1" },
      status: {},
      spec: {
        containers: [{ name: "injected" }, { name: "a", image: "i", terminationMessagePath: "/dev/x" }],
      },
    };
    assert.deepEqual(liveInputs(inputs, live), inputs);
  });

  it("lack an item that was removed by hand", () => {
    const inputs = { containers: [{ name: "a" }, { name: "b" }] };
    assert.deepEqual(liveInputs(inputs, { containers: [{ name: "b" }] }), { containers: [{ name: "b" }] });
  });

  it("keep quantities as they were written when they mean the same", () => {
    const inputs = { requests: { cpu: "0.5", memory: "1024Mi" } };
    assert.deepEqual(liveInputs(inputs, { requests: { cpu: "500m", memory: "1Gi" } }), inputs);
    assert.deepEqual(liveInputs(inputs, { requests: { cpu: "250m", memory: "1Gi" } }), {
      requests: { cpu: "250m", memory: "1024Mi" },
    });
  });

  it("keep empty values that the API server leaves out", () => {
    const inputs = { env: [{ name: "E", value: "" }], readOnly: false, rules: [] };
    assert.deepEqual(liveInputs(inputs, { env: [{ name: "E" }] }), inputs);
  });

  it("read a Secret's stringData back from its data", () => {
    const data = { token: Buffer.from("changed").toString("base64"), other: "eA==" };
    assert.deepEqual(liveInputs({ stringData: { token: "first" } }, { data }), {
      stringData: { token: "changed" },
    });
  });
});
