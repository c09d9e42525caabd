import assert from "node:assert/strict";
import type { Job } from "../../../local/github/types";
import { parseMetrics } from "../../faults/metrics";
import { Random } from "../../faults/random";
import { courseOf, gapsBetween } from "../../faults/soakReport";
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

describe("soak: report", () => {
  const job = (pod: string, startedAt: string, completedAt: string) =>
    ({ runnerName: `digdag-soak.${pod}.x`, startedAt, completedAt }) as Job;
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();

  it("measures the time between two jobs of one Pod, never of two", () => {
    const jobs = [
      job("b", at(0), at(5)),
      job("a", at(12), at(13)),
      job("a", at(0), at(10)),
      job("b", at(8), at(9)),
    ];
    assert.deepEqual(gapsBetween(jobs), { median: 2.5, p95: 2.95, longest: 3 });
  });

  it("tells how memory grew with the jobs of a Pod, and how in the second half", () => {
    const bytes = [100, 110, 120, 120, 120, 120].map((mebibytes) => mebibytes * 1024 ** 2);
    const samples = bytes.map((bytes, look) => ({
      program: "broker" as const,
      look,
      jobs: look * 100,
      bytes,
    }));
    const { start, end, quartiles, per100Jobs, per100JobsLater, course } = courseOf("broker", samples);
    assert.deepEqual([start, end, quartiles, per100JobsLater], [100, 120, [112.5, 120, 120], 0]);
    assert.ok(per100Jobs > 3 && per100Jobs < 5, String(per100Jobs));
    assert.equal(course.length, 6);
  });
});
