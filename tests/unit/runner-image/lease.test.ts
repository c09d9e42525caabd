import assert from "node:assert/strict";
import * as fc from "fast-check";
import { decideLease, type LeaseSituation } from "../../../runner-image/broker/leaseDecision";
import {
  type BrokerMessage,
  encodeMessage,
  LeaseProtocolError,
  LineSplitter,
  MAX_LINE_LENGTH,
  parseBrokerMessage,
  parseSupervisorMessage,
  type SupervisorMessage,
} from "../../../runner-image/shared/lease";

const free: LeaseSituation = {
  held: false,
  key: undefined,
  keyLost: false,
  formerSupervisorLives: false,
  secondsWithoutHolder: 0,
  takeoverSeconds: 10,
};
const left: LeaseSituation = { ...free, key: "right", secondsWithoutHolder: 10 };

describe("the lease", () => {
  it("goes to the first that comes", () => {
    assert.deepEqual(decideLease(undefined, free), { grant: "new" });
  });

  it("goes to nobody while it is held, not even with the right key", () => {
    for (const key of [undefined, "right"]) {
      assert.ok("refuse" in decideLease(key, { ...left, held: true }));
    }
  });

  it("goes back at once to who shows the key, even while its beacon is lit", () => {
    const situation = { ...left, secondsWithoutHolder: 0, formerSupervisorLives: true };
    assert.deepEqual(decideLease("right", situation), { grant: "resumed" });
  });

  it("goes to nobody with a wrong key, of whatever length", () => {
    for (const key of ["wrong", "right ", "r", "rightrightright"]) {
      assert.ok("refuse" in decideLease(key, left), key);
    }
    assert.ok("refuse" in decideLease("any", free), "there is no key to show yet");
  });

  it("goes to another without the key only when the former supervisor is dead and has been gone long enough", () => {
    assert.deepEqual(decideLease(undefined, left), { grant: "new" });
    assert.ok("refuse" in decideLease(undefined, { ...left, secondsWithoutHolder: 9.9 }));
    assert.ok(
      "refuse" in
        decideLease(undefined, { ...left, formerSupervisorLives: true, secondsWithoutHolder: 9999 }),
    );
  });

  it("does not count as never given when its key is lost", () => {
    const lost = { ...free, keyLost: true };
    assert.ok("refuse" in decideLease(undefined, lost));
    assert.deepEqual(decideLease(undefined, { ...lost, secondsWithoutHolder: 10 }), { grant: "new" });
  });
});

describe("the messages of the lease", () => {
  const fromSupervisor: SupervisorMessage[] = [
    { type: "hello", beacon: "b" },
    { type: "hello", beacon: "b", key: "k", runnerId: 7 },
    { type: "ready" },
    { type: "drain" },
    { type: "pong" },
    { type: "job", runnerId: 7, event: "started", name: "deploy" },
    {
      type: "job",
      runnerId: 7,
      event: "identified",
      name: "deploy",
      identity: { repository: "o/r", workflow: "w", job: "deploy", runId: "1", runAttempt: "1" },
    },
    { type: "job", runnerId: 7, event: "completed", name: "deploy", result: "Succeeded" },
    { type: "ended", runnerId: 7, exitCode: 0, signal: null },
    { type: "ended", runnerId: 7, exitCode: null, signal: "SIGKILL" },
  ];
  const fromBroker: BrokerMessage[] = [
    { type: "welcome", key: "k" },
    { type: "refused", reason: "r" },
    { type: "jit", runnerId: 7, runnerName: "n", jitConfig: "c" },
    { type: "drained", outcome: "busy" },
    { type: "retire", runnerId: 7, reason: "r" },
    { type: "ping" },
  ];

  it("arrive as they were sent, however the stream is cut", () => {
    const stream = fromBroker.map(encodeMessage).join("");
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const splitter = new LineSplitter();
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const lines = edges.slice(1).flatMap((end, n) => splitter.push(stream.slice(edges[n], end)));
        assert.deepEqual(lines.map(parseBrokerMessage), fromBroker);
      }),
    );
  });

  it("of a supervisor are read as they were written", () => {
    for (const message of fromSupervisor) {
      assert.deepEqual(parseSupervisorMessage(encodeMessage(message)), message);
    }
  });

  it("are refused when they are none, without quoting what may be a secret", () => {
    const wrong = [
      "secret",
      '["secret"]',
      '{"type":"secret"}',
      '{"type":"welcome"}',
      '{"type":"jit","runnerId":"secret"}',
    ];
    for (const line of wrong) {
      assert.throws(
        () => parseBrokerMessage(line),
        (error: Error) => error instanceof LeaseProtocolError && !error.message.includes("secret"),
      );
    }
    for (const line of [
      '{"type":"hello"}',
      '{"type":"ended","runnerId":1.5}',
      '{"type":"job","runnerId":1,"event":"x"}',
    ]) {
      assert.throws(() => parseSupervisorMessage(line), LeaseProtocolError);
    }
  });

  it("are refused when they never end", () => {
    const splitter = new LineSplitter();
    assert.throws(() => splitter.push("x".repeat(MAX_LINE_LENGTH + 1)), LeaseProtocolError);
  });
});
