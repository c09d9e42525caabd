import { instantOf, type WallTime, wallTime } from "./zonedTime";

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
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/**
 * The next run strictly after `from`.
 *
 * @param config the `schedule:` mapping of a workflow
 * @throws ScheduleError for a schedule the server refuses, and for an unknown zone
 */
export function nextRun(config: Record<string, unknown>, zone: string, from: Date): NextRun {
  const key = Object.keys(config).find((name) => name.endsWith(">"));
  if (key === undefined) throw new ScheduleError("schedule: needs exactly one operator such as daily>");
  const value = String(config[key]);
  try {
    wallTime(from, zone);
  } catch {
    throw new ScheduleError(`Unknown time-zone ID: ${zone}`);
  }
  switch (key) {
    case "daily>":
      return firstAfter(from, zone, (wall, step) => midnight(wall, wall.day + step), clock(value, 3));
    case "hourly>":
      return firstAfter(
        from,
        zone,
        (wall, step) => ({ ...wall, hour: wall.hour + step, minute: 0, second: 0 }),
        clock(value, 2),
      );
    case "weekly>": {
      const [day = "", time = ""] = value.split(",");
      const target = DAYS.indexOf(day.trim().toLowerCase().slice(0, 3));
      if (target < 0) throw new ScheduleError(`weekly>: unknown day of week: ${day}`);
      return firstAfter(
        from,
        zone,
        (wall, step) => midnight(wall, wall.day - weekday(wall) + target + 7 * step),
        clock(time, 3),
      );
    }
    case "monthly>": {
      const [day = "", time = ""] = value.split(",");
      if (!/^\d{1,2}$/.test(day.trim())) throw new ScheduleError(`monthly>: unknown day of month: ${day}`);
      return firstAfter(
        from,
        zone,
        (wall, step) => ({ ...midnight(wall, Number(day)), month: wall.month + step }),
        clock(time, 3),
      );
    }
    case "minutes_interval>":
      if (!/^\d+$/.test(value) || Number(value) < 1)
        throw new ScheduleError(`minutes_interval>: must be a positive integer: ${value}`);
      return everyMinutes(Number(value), from, zone);
    case "cron>":
      return cron(value, from, zone);
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

function firstAfter(
  from: Date,
  zone: string,
  sessionAt: (wall: WallTime, step: number) => WallTime,
  delay: number,
): NextRun {
  const wall = wallTime(from, zone);
  for (let step = -5; ; step++) {
    const time = sessionAt(wall, step);
    const run = instantOf({ ...time, second: time.second + delay }, zone);
    if (run > from) return { run, session: instantOf(time, zone) };
  }
}

function midnight(wall: WallTime, day: number): WallTime {
  return { ...wall, day, hour: 0, minute: 0, second: 0 };
}

function weekday({ year, month, day }: WallTime): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

function everyMinutes(minutes: number, from: Date, zone: string): NextRun {
  const wall = wallTime(from, zone);
  for (let next = minutes; ; next += minutes) {
    const run = instantOf({ ...midnight(wall, wall.day), minute: next }, zone);
    if (run > from) return { run, session: run };
  }
}

function cron(text: string, from: Date, zone: string): NextRun {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) throw new ScheduleError(`cron>: expected 5 fields: ${text}`);
  const [minutes, hours, days, months, weekdays] = [
    cronField(fields[0], 0, 59),
    cronField(fields[1], 0, 23),
    cronField(fields[2], 1, 31),
    cronField(fields[3], 1, 12, MONTHS, 1),
    cronField(fields[4], 0, 7, DAYS, 0),
  ];
  if (weekdays.has(7)) weekdays.add(0);
  const eitherDay = fields[2] !== "*" && fields[4] !== "*";
  const start = wallTime(from, zone);
  // Four years and a day: every date that exists comes up, 29 February too.
  for (let step = 0; step <= 1462; step++) {
    const date = new Date(Date.UTC(start.year, start.month - 1, start.day + step));
    const byDay = days.has(date.getUTCDate());
    const byWeekday = weekdays.has(date.getUTCDay());
    if (!months.has(date.getUTCMonth() + 1) || !(eitherDay ? byDay || byWeekday : byDay && byWeekday))
      continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const time = { ...midnight(start, start.day + step), hour, minute };
        const run = instantOf(time, zone);
        if (run > from) return { run, session: run };
      }
    }
  }
  throw new ScheduleError(`cron>: never fires: ${text}`);
}

/** The values of one cron field in ascending order: `*`, numbers, names, ranges, lists and steps. */
function cronField(
  text = "",
  lowest: number,
  highest: number,
  names: string[] = [],
  firstName = 0,
): Set<number> {
  const values = new Set<number>();
  const number = (item: string): number => {
    const named = names.indexOf(item.toLowerCase());
    const value = named >= 0 ? named + firstName : /^\d+$/.test(item) ? Number(item) : Number.NaN;
    if (!(value >= lowest && value <= highest))
      throw new ScheduleError(`cron>: ${item} is not within ${lowest}-${highest}`);
    return value;
  };
  for (const part of text.split(",")) {
    const [range = "", step = "1"] = part.split("/");
    const [first = "", last = part.includes("/") ? String(highest) : first] = range.split("-");
    const [from, to] = range === "*" ? [lowest, highest] : [number(first), number(last)];
    if (!/^[1-9]\d*$/.test(step)) throw new ScheduleError(`cron>: ${part} has a wrong step`);
    for (let value = from; value <= to; value += Number(step)) values.add(value);
  }
  return new Set([...values].sort((a, b) => a - b));
}
