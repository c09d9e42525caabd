import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { parseCron } from "../../../digdag-push/cron";
import { firstRun, readSchedule } from "../../../digdag-push/schedule";
import type { Config } from "../../../digdag-push/yaml";
import { isTimezone } from "../../../digdag-push/zonedTime";
import { nextRun } from "../../../local/digdag/schedule";
import { read } from "./support";

const NOW = Date.parse("2026-11-22T23:30:10Z"); // A Sunday; Monday 08:30:10 in Tokyo.

const iso = (instant: number | undefined) =>
  instant === undefined ? undefined : new Date(instant).toISOString().replace(".000Z", "Z");
const next = (config: Config, zone = "UTC", now = NOW) => {
  const { schedule, faults } = readSchedule(config);
  assert.ok(schedule, JSON.stringify(faults));
  return iso(firstRun(schedule, zone, now)?.run);
};
const faultsOf = (config: Config) => readSchedule(config).faults;

describe("the first run of a schedule", () => {
  it("is the one that Digdag's cron library gives, in 423 recorded cases", () => {
    const rows = read(join(__dirname, "cron4j.tsv"))
      .split("\n")
      .filter((row) => row && !row.startsWith("#"));
    assert.equal(rows.length, 423);
    for (const row of rows) {
      const [cron = "", zone = "", delay, from = "", expected] = row.split("\t");
      if (expected === "invalid") {
        assert.throws(() => parseCron(cron), row);
        continue;
      }
      const schedule = { text: "", pattern: parseCron(cron), delay: Number(delay) };
      assert.equal(iso(firstRun(schedule, zone, Date.parse(from))?.run), expected, row);
    }
  });

  it("is the one of the stand-in", () => {
    const two = (value: number) => String(value).padStart(2, "0");
    const time = fc
      .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }), fc.nat({ max: 59 }))
      .map((parts) => parts.map(two).join(":"));
    const rule = fc.oneof(
      time.map((at) => ({ "daily>": at })),
      time.map((at) => ({ "hourly>": at.slice(3) })),
      fc
        .tuple(fc.constantFrom("Sun", "Wed", "Sat"), time)
        .map(([day, at]) => ({ "weekly>": `${day},${at}` })),
      fc.tuple(fc.integer({ min: 1, max: 28 }), time).map(([day, at]) => ({ "monthly>": `${day},${at}` })),
      fc.constantFrom(1, 5, 10, 15, 30, 45).map((minutes) => ({ "minutes_interval>": minutes })),
      fc
        .tuple(fc.nat({ max: 59 }), fc.nat({ max: 23 }))
        .map(([m, h]) => ({ "cron>": `${m} ${h} * * mon-fri` })),
    );
    // The stand-in answers the first run after an instant, Digdag the first one not before it.
    const instant = fc.integer({ min: 1_800_000_000, max: 1_830_000_000 }).map((second) => second * 1000 + 1);
    fc.assert(
      fc.property(
        rule,
        fc.constantFrom("UTC", "Asia/Tokyo", "Asia/Kolkata", "Europe/Berlin", "America/New_York"),
        instant,
        (config, zone, now) => {
          assert.equal(
            next(config as unknown as Config, zone, now),
            iso(nextRun(config, zone, new Date(now)).run.getTime()),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  it("is counted from the session by elapsed time, so that it is an hour off when the clock changes", () => {
    assert.equal(
      next({ "daily>": "07:00:00" }, "Europe/Berlin", Date.parse("2026-03-28T12:00:00Z")),
      "2026-03-29T06:00:00Z",
    );
  });

  it("keeps to start and end", () => {
    assert.equal(next({ "daily>": "07:00:00", start: "2027-01-10" }, "Asia/Tokyo"), "2027-01-09T22:00:00Z");
    assert.equal(next({ "daily>": "07:00:00", end: "2026-11-24" }, "Asia/Tokyo"), "2026-11-23T22:00:00Z");
    assert.equal(next({ "daily>": "07:00:00", end: "2026-11-23" }, "Asia/Tokyo"), undefined);
  });
});

describe("a schedule", () => {
  it("is refused with the value seen, what is allowed, and what is meant", () => {
    const cases: [Config, RegExp][] = [
      [
        { "daily>": "25:99:00" },
        /impossible time 25:99:00, which Digdag would take for a later one; allowed is 00:00:00 to 23:59:59/,
      ],
      [{ "daily>": "24:00:00" }, /impossible time 24:00:00/],
      [{ "daily>": "00:00:60" }, /impossible time 00:00:60/],
      [{ "daily>": "7h" }, /daily> is "7h"; the time must be HH:MM:SS/],
      [{ "hourly>": "60:00" }, /impossible time 60:00/],
      [{ "weekly>": "Xyz,09:00:00" }, /the day "Xyz"/],
      [{ "weekly>": "09:00:00" }, /such as Mon,09:00:00/],
      [{ "monthly>": "32,09:00:00" }, /the day "32"; allowed is 1 to 31/],
      [{ "minutes_interval>": 0 }, /minutes_interval> is "0"/],
      [{ "cron>": "* * * *" }, /has 4 fields; five are needed/],
      [{ "cron>": "60 * * * *" }, /minute "60"; allowed is 0 to 59/],
      [{ "cron>": "0 0 30 2 *" }, /never fires/],
      [{ "dialy>": "07:00:00" }, /daily> is meant\?/],
      [{ "daily>": "07:00:00", start: "2026-02-30" }, /start is "2026-02-30"; a date that exists/],
      [{ "daily>": "07:00:00", start: "2026-03-02", end: "2026-03-01" }, /end 2026-03-01 is before start/],
      [{}, /has no rule; allowed are daily>/],
    ];
    for (const [config, message] of cases) {
      const [fault] = faultsOf(config);
      assert.match(fault?.message ?? "", message);
      assert.equal(fault?.warning, undefined);
      assert.equal(readSchedule(config).schedule, undefined);
    }
  });

  it("is warned of when Digdag does something else than it seems to say", () => {
    const cases: [Config, RegExp][] = [
      [{ "minutes_interval>": 45 }, /not every 45 minutes/],
      [{ "monthly>": "31,09:00:00" }, /does not run in months without a day 31/],
      [{ "daily>": "07:00:00", skip_on_overtim: true }, /skip_on_overtime is meant\?/],
      [{ "daily>": "07:00:00", "hourly>": "15:00" }, /second rule/],
    ];
    for (const [config, message] of cases) {
      const [fault] = faultsOf(config);
      assert.match(fault?.message ?? "", message);
      assert.equal(fault?.warning, true);
    }
  });
});

describe("a timezone", () => {
  it("is known when Java 17 knows it", () => {
    const known =
      "+9 +09 +0900 +09:00 UTC+9 UT+9 GMT+09:30 Japan US/Pacific Etc/GMT+9 Z UTC GMT GMT0 EST5EDT Europe/Kyiv Asia/Tokyo ROK";
    const unknown = "EST MST HST JST PST ROC asia/tokyo utc z UTC+19 +19:00 GMT+9:30 Asia/Tokio Asia";
    for (const zone of known.split(" ")) assert.ok(isTimezone(zone), zone);
    for (const zone of unknown.split(" ")) assert.ok(!isTimezone(zone), zone);
  });
});
