import assert from "node:assert/strict";
import { parseMetrics } from "../../faults/metrics";
import { Random } from "../../faults/random";
import { quantile, slope, sparkline } from "../../faults/statistics";

describe("fault campaign: numbers", () => {
  it("are the same for the same seed and stay within their bounds", () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 200 }, () => [random.between(2, 5), random.whole(1, 3)]);
    };
    assert.deepEqual(draw(3), draw(3));
    assert.notDeepEqual(draw(3), draw(4));
    assert.ok(draw(5).every(([real = 0, whole = 0]) => real >= 2 && real < 5 && [1, 2, 3].includes(whole)));
  });

  it("are shuffled without losing any", () => {
    const things = [1, 2, 3, 4, 5, 6];
    const shuffled = new Random(9).shuffled(things);
    assert.notDeepEqual(shuffled, things);
    assert.deepEqual([...shuffled].sort(), things);
  });

  it("have quantiles between neighbours", () => {
    assert.deepEqual(
      [0, 0.25, 0.5, 1].map((share) => quantile([1, 2, 3, 4, 5], share)),
      [1, 2, 3, 5],
    );
    assert.equal(quantile([1, 2], 0.5), 1.5);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });

  it("have a slope by least squares", () => {
    assert.equal(slope([0, 1, 2].map((x) => ({ x, y: 5 + 3 * x }))), 3);
    assert.equal(slope([{ x: 1, y: 2 }]), 0);
  });

  it("have a course that fits the width", () => {
    assert.equal(sparkline([1, 2, 3, 4, 5, 6, 7, 8]), "▁▂▃▄▅▆▇█");
    assert.equal(sparkline([4, 4]), "▁▁");
    assert.equal(sparkline(Array.from({ length: 500 }, (_, at) => at)).length, 40);
    assert.equal(sparkline([]), "");
  });

  it("are read from Prometheus' text format", () => {
    const text = '# HELP a b\na_total{route="GET /x{y}",status="200"} 3\nplain 1.5\n\n';
    assert.deepEqual(parseMetrics(text), [
      { name: "a_total", labels: { route: "GET /x{y}", status: "200" }, value: 3 },
      { name: "plain", labels: {}, value: 1.5 },
    ]);
  });
});
