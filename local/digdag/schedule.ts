import { instantOf, wallTime } from "./zonedTime";

/** When a schedule fires next. */
export interface NextRun {
  /** When the workflow starts. */
  run: Date;
  /** The session it runs for, such as midnight of that day. */
  session: Date;
}

/** What is wrong with a schedule, as the server says it. */
export class ScheduleError extends Error {}

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/** What `L` stands for as a day of the month. */
const LAST_DAY = 32;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Sessions by a cron pattern, and how many seconds of elapsed time after each its run is. */
interface Rule {
  cron: string;
  delay: number;
}

/**
 * The next run strictly after `from`. As Digdag's CronScheduler, every kind of schedule is a pattern of its cron library.
 *
 * @param config the `schedule:` mapping of a workflow
 * @throws ScheduleError for a schedule the server refuses, and for an unknown zone
 */
export function nextRun(config: Record<string, unknown>, zone: string, from: Date): NextRun {
  const { cron, delay } = ruleOf(config);
  try {
    wallTime(from, zone);
  } catch {
    throw new ScheduleError(`Unknown time-zone ID: ${zone}`);
  }
  const session = firstAfter(cron, zone, from.getTime() - delay * 1000);
  return { run: new Date(session.getTime() + delay * 1000), session };
}

function ruleOf(config: Record<string, unknown>): Rule {
  const key = Object.keys(config).find((name) => name.endsWith(">"));
  if (key === undefined) throw new ScheduleError("schedule: needs exactly one operator such as daily>");
  const value = String(config[key]);
  const [day = "", time = ""] = value.split(",").map((part) => part.trim());
  switch (key) {
    case "daily>":
      return { cron: "0 0 * * *", delay: clock(value, 3) };
    case "hourly>":
      return { cron: "0 * * * *", delay: clock(value, 2) };
    case "weekly>":
      if (!/^([0-7]|sun|mon|tue|wed|thu|fri|sat)$/i.test(day))
        throw new ScheduleError(`weekly>: unknown day of week: ${day}`);
      return { cron: `0 0 * * ${day}`, delay: clock(time, 3) };
    case "monthly>":
      if (!/^\d{1,2}$/.test(day)) throw new ScheduleError(`monthly>: unknown day of month: ${day}`);
      return { cron: `0 0 ${day} * *`, delay: clock(time, 3) };
    case "minutes_interval>":
      if (!/^[1-9]\d*$/.test(value))
        throw new ScheduleError(`minutes_interval>: must be a positive integer: ${value}`);
      return { cron: `*/${value} * * * *`, delay: Number(config.delay ?? 0) };
    case "cron>":
      return { cron: value, delay: Number(config.delay ?? 0) };
    default:
      throw new ScheduleError(`Unknown scheduler type: ${key.slice(0, -1)}`);
  }
}

/** Seconds of `HH:MM:SS` or `MM:SS`. Digdag takes impossible values such as 25:99:00 and rolls them over. */
function clock(text: string, fields: 2 | 3): number {
  const parts = text.trim().split(":");
  if (parts.length !== fields || parts.some((part) => !/^\d{1,2}$/.test(part))) {
    throw new ScheduleError(`${text.trim()}: expected ${fields === 3 ? "HH:MM:SS" : "MM:SS"}`);
  }
  return parts.reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

/** The first time that fits a cron pattern (several are joined by `|`) later than an instant in milliseconds. */
function firstAfter(cron: string, zone: string, after: number): Date {
  const found = cron.split("|").flatMap((pattern) => firstOfOne(pattern, zone, after) ?? []);
  if (found.length === 0) throw new ScheduleError(`cron>: never fires: ${cron}`);
  return new Date(Math.min(...found));
}

function firstOfOne(pattern: string, zone: string, after: number): number | undefined {
  const fields = pattern.trim().split(/\s+/);
  if (fields.length !== 5) throw new ScheduleError(`cron>: expected 5 fields: ${pattern}`);
  const [minutes, hours, days, months, weekdays] = [
    cronField(fields[0], 0, 59),
    cronField(fields[1], 0, 23),
    cronField(fields[2], 1, 31, new Map([["l", LAST_DAY]])),
    cronField(fields[3], 1, 12, new Map(MONTHS.map((name, index) => [name, index + 1]))),
    cronField(fields[4], 0, 7, new Map(DAYS.map((name, index) => [name, index]))),
  ];
  if (weekdays.has(7)) weekdays.add(0);
  const start = wallTime(new Date(after), zone);
  // From the day before, whose time a clock change may have moved; for 40 years, in which every date has every weekday.
  for (let step = -1; step <= 40 * 366; step++) {
    const date = new Date(Date.UTC(start.year, start.month - 1, start.day + step));
    const isLast = new Date(date.getTime() + 86_400_000).getUTCDate() === 1;
    const fits = days.has(date.getUTCDate()) || (isLast && days.has(LAST_DAY));
    if (!fits || !months.has(date.getUTCMonth() + 1) || !weekdays.has(date.getUTCDay())) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const instant = instantOf({ ...start, day: start.day + step, hour, minute, second: 0 }, zone);
        if (instant.getTime() > after) return instant.getTime();
      }
    }
  }
  return undefined;
}

/** The values of one field in ascending order: `*`, numbers, names, lists, and ranges, which may go around; each with a step. */
function cronField(text = "", lowest: number, highest: number, names = new Map<string, number>()) {
  const values: number[] = [];
  const number = (item: string): number => {
    const value = names.get(item.toLowerCase()) ?? (/^\d+$/.test(item) ? Number(item) : Number.NaN);
    if (!(value >= lowest && value <= highest) && !names.has(item.toLowerCase()))
      throw new ScheduleError(`cron>: ${item} is not within ${lowest}-${highest}`);
    return value;
  };
  // Empty parts are passed over.
  for (const part of text.split(",").filter(Boolean)) {
    const [range = "", step = "1"] = part.split("/");
    const [first = "", last = first] = range.split("-").filter(Boolean);
    const [from, to] = range === "*" ? [lowest, highest] : [number(first), number(last)];
    if (!/^[1-9]\d*$/.test(step)) throw new ScheduleError(`cron>: ${part} has a wrong step`);
    const length = to >= from ? to - from : highest - from + 1 + (to - lowest);
    for (let index = 0; index <= length; index += Number(step)) {
      const value = from + index;
      values.push(value <= highest || from > highest ? value : value - (highest - lowest + 1));
    }
  }
  return new Set(values.sort((a, b) => a - b));
}
