import assert from "node:assert/strict";
import * as fc from "fast-check";
import { newRunnerName, POOL_NAME, parseRunnerName } from "../../../runner-image/broker/runnerNames";

const pool = fc.stringMatching(/^[A-Za-z0-9-]{1,24}$/);
const pod = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,80}[a-z0-9]$/);
const time = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2090, 0) });

describe("a runner's name", () => {
  it("is at most 64 characters and can be read back, whatever the Pod is called", () => {
    fc.assert(
      fc.property(pool, pod, time, (pool, pod, now) => {
        const name = newRunnerName(pool, pod, now);
        assert.ok(name.length <= 64, name);
        const parsed = parseRunnerName(name);
        assert.equal(parsed?.pool, pool);
        assert.equal(parsed?.createdAt, Math.floor(now / 1000) * 1000);
      }),
    );
  });

  it("keeps the end of a long Pod name, where its random part is", () => {
    const name = newRunnerName("digdag-stg", `${"long-".repeat(20)}7c9b8d6f5-x2x9k`);
    assert.match(name, /7c9b8d6f5-x2x9k\.[0-9a-z]{13}$/);
  });

  it("is never given twice, even within the same millisecond", () => {
    const names = new Set(Array.from({ length: 1000 }, () => newRunnerName("p", "q", 0)));
    assert.equal(names.size, 1000);
  });

  it("belongs to one pool only, also where one pool's name starts with another's", () => {
    assert.equal(parseRunnerName(newRunnerName("stg-eu", "pod"))?.pool, "stg-eu");
    assert.doesNotMatch("stg.eu", POOL_NAME);
  });

  it("is not read from names that people or other tools chose", () => {
    for (const name of [
      "stg",
      "stg.pod",
      "stg.pod.short",
      "ip-10-0-0-1.ec2.internal",
      "stg.pod.0t6k3f1abcdef.x",
    ]) {
      assert.equal(parseRunnerName(name), undefined, name);
    }
  });
});
