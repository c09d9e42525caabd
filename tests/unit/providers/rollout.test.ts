import assert from "node:assert/strict";
import type { KubernetesObject } from "../../../local/providers/kubernetes/cluster";
import { conditionOf, podProblems, rolloutOf } from "../../../local/providers/kubernetes/rollout";

const done = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const deployment = (status: Record<string, unknown>) =>
  ({ metadata: { name: "d", generation: 2 }, spec: { replicas: 2 }, status }) as unknown as KubernetesObject;

describe("a Deployment's roll-out", () => {
  it("is done when every wanted replica is new and available", () => {
    assert.deepEqual(rolloutOf(deployment(done)), { state: "done" });
  });

  for (const [what, change] of [
    ["the controller has not seen the change", { observedGeneration: 1 }],
    ["a new Pod is missing", { updatedReplicas: 1 }],
    ["an old Pod is left", { replicas: 3 }],
    ["a new Pod is not available", { availableReplicas: 1 }],
  ] as const) {
    it(`goes on while ${what}`, () => {
      assert.equal(rolloutOf(deployment({ ...done, ...change })).state, "waiting");
    });
  }

  it("fails when its progress deadline passed", () => {
    const conditions = [{ type: "Progressing", reason: "ProgressDeadlineExceeded", message: "no progress" }];
    const result = rolloutOf(deployment({ ...done, availableReplicas: 0, conditions }));
    assert.deepEqual(result, { state: "failed", message: "the Deployment made no progress: no progress" });
  });
});

describe("an awaited condition", () => {
  const store = (...conditions: Record<string, unknown>[]) =>
    ({ metadata: { name: "s" }, status: { conditions } }) as unknown as KubernetesObject;

  it("is met when it has the wanted status, which is True by default", () => {
    assert.deepEqual(conditionOf(store({ type: "Ready", status: "True" }), "condition=Ready"), {
      state: "done",
    });
    const unmet = store({ type: "Ready", status: "False" });
    assert.deepEqual(conditionOf(unmet, "condition=Ready=False"), { state: "done" });
  });

  it("is waited for while it is another, with what its controller says", () => {
    const denied = { type: "Ready", status: "False", reason: "SecretSyncedError", message: "access denied" };
    assert.deepEqual(conditionOf(store(denied), "condition=Ready"), {
      state: "waiting",
      message: "condition Ready is False, not True: SecretSyncedError: access denied",
    });
    for (const none of [store(), store({ type: "Deleted", status: "True" })])
      assert.deepEqual(conditionOf(none, "condition=Ready"), {
        state: "waiting",
        message: "condition Ready is not set, not True",
      });
  });

  it("is none that the stand-in does not know", () => {
    assert.throws(
      () => conditionOf(store(), "jsonpath={.status.phase}=Running"),
      /does not know the annotation/,
    );
  });
});

describe("a Pod's problems", () => {
  const pod = (status: Record<string, unknown>) =>
    ({ metadata: { name: "p" }, status }) as unknown as KubernetesObject;

  it("name the container with Kubernetes' reason and message", () => {
    const waiting = { reason: "ImagePullBackOff", message: "Back-off pulling image" };
    assert.deepEqual(
      podProblems(pod({ containerStatuses: [{ name: "runner", ready: false, state: { waiting } }] })),
      ["Pod p: container runner: ImagePullBackOff: Back-off pulling image"],
    );
  });

  it("name the last exit of a container that keeps crashing, init containers too", () => {
    const broker = {
      name: "broker",
      ready: false,
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { reason: "Error", exitCode: 3 } },
    };
    assert.deepEqual(podProblems(pod({ initContainerStatuses: [broker] })), [
      "Pod p: container broker: CrashLoopBackOff; last exit: Error (code 3)",
    ]);
  });

  it("name why no node takes it", () => {
    const conditions = [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes" },
    ];
    assert.deepEqual(podProblems(pod({ conditions })), ["Pod p: Unschedulable: 0/1 nodes"]);
  });

  it("are none for a Pod whose containers are ready", () => {
    assert.deepEqual(
      podProblems(pod({ containerStatuses: [{ name: "a", ready: true, state: { running: {} } }] })),
      [],
    );
  });
});
