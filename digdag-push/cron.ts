import { instantOf, wallTime } from "./zonedTime";

/** A pattern of cron4j, the library of Digdag's scheduler: times that fit any of these. */
export type CronPattern = readonly CronTimes[];

interface CronTimes {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  /** 1 to 31, and LAST_DAY. */
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  /** 0 (Sunday) to 6. */
  weekdays: ReadonlySet<number>;
}

const LAST_DAY = 32;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTH_NAMES = MONTHS.map((name, index): [string, number] => [name, index + 1]);
const WEEKDAY_NAMES = WEEKDAYS.map((name, index): [string, number] => [name, index]);
/** A leap day falls on a given weekday once in 28 years, or in 40 around a year such as 2100. */
const SEARCHED_DAYS = 41 * 366;

/**
 * Reads a pattern as cron4j 2.2.5 does. A day must fit both its fields, `fri-mon` goes around the end of the week,
 * and several patterns may be joined by `|`.
 *
 * @throws Error that says what is wrong with it
 */
export function parseCron(text: string): CronPattern {
  return text.split("|").map((part) => {
    const fields = part.trim().split(/\s+/);
    if (fields.length !== 5)
      throw new Error(
        `has ${fields.length} fields; five are needed: minute, hour, day, month, day of the week`,
      );
    const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
    return {
      minutes: field(minute, "minute", 0, 59),
      hours: field(hour, "hour", 0, 23),
      days: field(day, "day", 1, 31, [["l", LAST_DAY]]),
      months: field(month, "month", 1, 12, MONTH_NAMES),
      // 7 is Sunday as well.
      weekdays: new Set(
        [...field(weekday, "day of the week", 0, 7, WEEKDAY_NAMES)].map((value) => value % 7),
      ),
    };
  });
}

function field(
  text: string,
  noun: string,
  lowest: number,
  highest: number,
  names: [string, number][] = [],
): Set<number> {
  const number = (item: string): number => {
    const named = names.find(([name]) => name === item.toLowerCase())?.[1];
    const value = named ?? (/^\d+$/.test(item) ? Number(item) : Number.NaN);
    if (named !== undefined || (value >= lowest && value <= highest)) return value;
    throw new Error(`has the ${noun} ${JSON.stringify(item)}; allowed is ${lowest} to ${highest}`);
  };
  const all = Array.from({ length: highest - lowest + 1 }, (_, index) => lowest + index);
  const values = new Set<number>();
  for (const element of text.split(",").filter((one) => one !== "")) {
    const [range = "", step, ...more] = element.split("/");
    if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step)))
      throw new Error(`has the step ${JSON.stringify(element)}; such as */15 is allowed`);
    const [first = "", last = first, ...tail] = range.split("-").filter((one) => one !== "");
    if (tail.length > 0) throw new Error(`has the range ${JSON.stringify(range)}; such as 1-5 is allowed`);
    const [from, to] = range === "*" ? [lowest, highest] : [number(first), number(last)];
    const chosen =
      from <= to
        ? from === to
          ? [from]
          : all.filter((value) => value >= from && value <= to)
        : [...all.filter((value) => value >= from), ...all.filter((value) => value <= to)];
    for (const [index, value] of chosen.entries()) if (index % Number(step ?? 1) === 0) values.add(value);
  }
  if (values.size === 0) throw new Error(`has no ${noun}`);
  return values;
}

/** The first instant from `from` on (milliseconds) that fits; undefined when none ever does. */
export function firstMatch(pattern: CronPattern, zone: string, from: number): number | undefined {
  const found = pattern.map((times) => firstOf(times, zone, from)).filter((instant) => instant !== undefined);
  return found.length === 0 ? undefined : Math.min(...found);
}

function firstOf(times: CronTimes, zone: string, from: number): number | undefined {
  const start = wallTime(from, zone);
  const hours = [...times.hours].sort((a, b) => a - b);
  const minutes = [...times.minutes].sort((a, b) => a - b);
  // A day earlier, because a clock change may have moved the time of the day before.
  for (let step = -1; step < SEARCHED_DAYS; step++) {
    const date = new Date(Date.UTC(start.year, start.month - 1, start.day + step));
    if (!fitsDate(times, date)) continue;
    const day = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
    for (const hour of hours) {
      for (const minute of minutes) {
        const instant = instantOf({ ...day, hour, minute }, zone);
        if (instant >= from) return instant;
      }
    }
  }
  return undefined;
}

function fitsDate({ days, months, weekdays }: CronTimes, date: Date): boolean {
  const tomorrow = new Date(date.getTime() + 86_400_000);
  const isLast = tomorrow.getUTCDate() === 1;
  return (
    months.has(date.getUTCMonth() + 1) &&
    weekdays.has(date.getUTCDay()) &&
    (days.has(date.getUTCDate()) || (isLast && days.has(LAST_DAY)))
  );
}
