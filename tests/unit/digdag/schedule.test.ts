import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nextRun, ScheduleError } from "../../../local/digdag/schedule";
import { isoInstant, isoWithOffset } from "../../../local/digdag/zonedTime";

const NOW = new Date("2026-11-22T23:30:10Z"); // A Sunday; Monday 08:30:10 in Tokyo.

const next = (config: Record<string, unknown>, zone = "UTC", from = NOW) => {
  const { run, session } = nextRun(config, zone, from);
  return [isoInstant(run), isoWithOffset(session, zone)];
};

describe("the Digdag stand-in's scheduler", () => {
  it("runs daily> at that time of the zone, for the session of that day", () => {
    assert.deepEqual(next({ "daily>": "07:00:00" }), ["2026-11-23T07:00:00Z", "2026-11-23T00:00:00+00:00"]);
    assert.deepEqual(next({ "daily>": "07:00:00" }, "Asia/Tokyo"), [
      "2026-11-23T22:00:00Z",
      "2026-11-24T00:00:00+09:00",
    ]);
    assert.deepEqual(next({ "daily>": "09:00:00" }, "Asia/Tokyo"), [
      "2026-11-23T00:00:00Z",
      "2026-11-23T00:00:00+09:00",
    ]);
  });

  it("takes 25:99:00 and rolls it over to 02:39 of the next day, as Digdag does", () => {
    assert.deepEqual(next({ "daily>": "25:99:00" }), ["2026-11-23T02:39:00Z", "2026-11-22T00:00:00+00:00"]);
  });

  it("runs as Digdag's cron library says, in 423 recorded cases", () => {
    const rows = readFileSync(join(__dirname, "..", "digdag-push", "cron4j.tsv"), "utf8")
      .split("\n")
      .filter((row) => row && !row.startsWith("#"));
    assert.equal(rows.length, 423);
    for (const row of rows) {
      const [cron, zone, delay, from = "", expected] = row.split("\t");
      const config = { "cron>": cron, delay: Number(delay) };
      // Digdag gives the first run that is not before an instant, this the first one after it.
      const first = () => next(config, zone, new Date(Date.parse(from) - 1))[0];
      if (expected === "invalid") assert.throws(first, ScheduleError, row);
      else assert.equal(first(), expected, row);
    }
  });

  it("counts a run from its session by elapsed time, so that it is an hour off when the clock changes", () => {
    const before = new Date("2026-03-28T12:00:00Z");
    assert.deepEqual(next({ "daily>": "07:00:00" }, "Europe/Berlin", before), [
      "2026-03-29T06:00:00Z",
      "2026-03-29T00:00:00+01:00",
    ]);
  });

  it("runs hourly>, weekly>, monthly> and minutes_interval>", () => {
    assert.deepEqual(next({ "hourly>": "15:00" }), ["2026-11-23T00:15:00Z", "2026-11-23T00:00:00+00:00"]);
    assert.deepEqual(next({ "hourly>": "45:30" }), ["2026-11-22T23:45:30Z", "2026-11-22T23:00:00+00:00"]);
    assert.deepEqual(next({ "weekly>": "Wed,09:00:00" }), [
      "2026-11-25T09:00:00Z",
      "2026-11-25T00:00:00+00:00",
    ]);
    assert.deepEqual(next({ "monthly>": "1,09:00:00" }), [
      "2026-12-01T09:00:00Z",
      "2026-12-01T00:00:00+00:00",
    ]);
    assert.deepEqual(next({ "minutes_interval>": 20 }), [
      "2026-11-22T23:40:00Z",
      "2026-11-22T23:40:00+00:00",
    ]);
  });

  it("runs cron> with lists, ranges, steps and names", () => {
    assert.equal(next({ "cron>": "*/15 * * * *" })[0], "2026-11-22T23:45:00Z");
    assert.equal(next({ "cron>": "42 4 1 * *" })[0], "2026-12-01T04:42:00Z");
    assert.equal(next({ "cron>": "0 9 * * mon-fri" })[0], "2026-11-23T09:00:00Z");
    assert.equal(next({ "cron>": "0 9 * * 6,7" })[0], "2026-11-28T09:00:00Z");
    assert.equal(next({ "cron>": "0 0 29 feb *" })[0], "2028-02-29T00:00:00Z");
    assert.equal(next({ "cron>": "0 7 * * *" }, "Asia/Tokyo")[0], "2026-11-23T22:00:00Z");
    assert.equal(next({ "cron>": "0 0 13 * fri" })[0], "2027-08-13T00:00:00Z", "both days must fit");
  });

  it("refuses what is no schedule", () => {
    for (const config of [
      {},
      { "nosuch>": 1 },
      { "daily>": "7h" },
      { "hourly>": "1:2:3" },
      { "weekly>": "Xyz,09:00:00" },
    ]) {
      assert.throws(() => next(config), JSON.stringify(config));
    }
    for (const cron of ["* * * *", "60 * * * *", "*/0 * * * *", "x * * * *", "0 0 31 2 *"])
      assert.throws(() => next({ "cron>": cron }), cron);
    assert.throws(() => next({ "daily>": "07:00:00" }, "Asia/Tokio"), /Unknown time-zone/);
  });
});
