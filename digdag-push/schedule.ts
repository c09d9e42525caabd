import { type CronPattern, firstMatch, parseCron } from "./cron";
import { printable } from "./errors";
import { nearest } from "./operators";
import { type Config, isConfig, type Value } from "./yaml";
import { instantOf } from "./zonedTime";

/** A schedule as Digdag's scheduler runs it: sessions by a cron pattern, each run some seconds after its session. */
export interface Schedule {
  /** For people, such as `daily>: 07:00:00`. */
  text: string;
  pattern: CronPattern;
  /** Seconds from session to run. Elapsed time: on the day of a clock change the run is an hour off. */
  delay: number;
  /** First and last day, such as 2026-12-01. */
  start?: string;
  end?: string;
}

/** What is wrong with a schedule; `key` is the key of the mapping that is. */
export interface ScheduleFault {
  key?: string;
  message: string;
  /** Digdag takes it, and it is probably not what was meant. */
  warning?: boolean;
}

const KINDS = ["daily", "hourly", "weekly", "monthly", "minutes_interval", "cron"];
const PARAMETERS = ["skip_on_overtime", "skip_delayed_by", "start", "end", "delay", "at", "_type"];

/** Reads a `schedule:` value. A schedule with a fault that is no warning has no `schedule`. */
export function readSchedule(value: Value): { schedule?: Schedule; faults: ScheduleFault[] } {
  if (!isConfig(value))
    return { faults: [{ message: "schedule: needs a mapping such as `daily>: 07:00:00`" }] };
  const faults: ScheduleFault[] = [];
  const keys = Object.keys(value).filter((key) => key.endsWith(">"));
  const [key] = keys;
  const kind = typeof value._type === "string" ? value._type : key?.slice(0, -1);
  if (kind === undefined) {
    return {
      faults: [{ message: `schedule: has no rule; allowed are ${KINDS.map((one) => `${one}>`).join(", ")}` }],
    };
  }
  for (const more of keys.slice(1))
    faults.push({ key: more, message: `is a second rule; Digdag only follows ${key}`, warning: true });
  for (const unknown of Object.keys(value)) {
    if (unknown.endsWith(">") || PARAMETERS.includes(unknown)) continue;
    const meant = nearest(unknown, PARAMETERS);
    const hint =
      meant === undefined ? `known are ${PARAMETERS.slice(0, 5).join(", ")}` : `${meant} is meant?`;
    faults.push({ key: unknown, message: `is no parameter of a schedule: ${hint}`, warning: true });
  }
  const command = key === undefined ? value.at : value[key];
  const said = printable(String(command ?? ""), 80);
  try {
    const rule = readRule(
      kind,
      isConfig(command) || Array.isArray(command) ? "" : String(command ?? ""),
      value,
    );
    for (const message of rule.warnings) faults.push({ key, message, warning: true });
    const { start, end } = readDates(value);
    return {
      schedule: { text: `${kind}>: ${said}`, pattern: rule.pattern, delay: rule.delay, start, end },
      faults,
    };
  } catch (error) {
    faults.push({ key, message: (error as Error).message });
    return { faults };
  }
}

interface Rule {
  pattern: CronPattern;
  delay: number;
  warnings: string[];
}

/** As the SchedulerFactory of each kind reads it, but that impossible times are refused; Digdag rolls them over. */
function readRule(kind: string, text: string, config: Config): Rule {
  const rule = (cron: string, delay: number, warnings: string[] = []): Rule => ({
    pattern: parseCron(cron),
    delay,
    warnings,
  });
  switch (kind) {
    case "daily":
      return rule("0 0 * * *", clock(kind, text, text));
    case "hourly":
      return rule("0 * * * *", minutesAndSeconds(text));
    case "weekly": {
      const [day, time] = dayAndTime(kind, text, "Mon,09:00:00");
      if (!/^[0-7]$|^(sun|mon|tue|wed|thu|fri|sat)$/i.test(day))
        throw new Error(
          `weekly> has the day ${JSON.stringify(printable(day, 40))}; allowed are Sun to Sat and 0 to 7`,
        );
      return rule(`0 0 * * ${day}`, clock(kind, time, text));
    }
    case "monthly": {
      const [day, time] = dayAndTime(kind, text, "1,09:00:00");
      if (!/^\d{1,2}$/.test(day) || Number(day) < 1 || Number(day) > 31)
        throw new Error(`monthly> has the day ${JSON.stringify(printable(day, 40))}; allowed is 1 to 31`);
      const short = Number(day) > 28 ? [`does not run in months without a day ${Number(day)}`] : [];
      return rule(`0 0 ${Number(day)} * *`, clock(kind, time, text), short);
    }
    case "minutes_interval": {
      if (!/^\d+$/.test(text) || Number(text) < 1)
        throw new Error(`minutes_interval> is ${shown(text)}; minutes are needed, such as 20`);
      const interval = Number(text);
      const uneven =
        60 % interval === 0
          ? []
          : [
              `is not every ${interval} minutes: Digdag starts at minute 0 of every hour anew; 5, 10, 15, 20, 30 are even`,
            ];
      return rule(`*/${interval} * * * *`, delayOf(config), uneven);
    }
    case "cron":
      try {
        const cron = rule(text, delayOf(config));
        // Digdag's server would search for ever.
        if (firstMatch(cron.pattern, "UTC", Date.now()) === undefined)
          throw new Error("never fires: no such date exists");
        return cron;
      } catch (error) {
        throw new Error(`cron> ${shown(text)} ${(error as Error).message}`);
      }
    default: {
      const meant = nearest(kind, KINDS);
      throw new Error(
        `${printable(kind, 40)}> is no schedule${meant ? `; ${meant}> is meant?` : `; allowed are ${KINDS.map((one) => `${one}>`).join(", ")}`}`,
      );
    }
  }
}

const shown = (text: string) => JSON.stringify(printable(text, 80));

function dayAndTime(kind: string, text: string, example: string): [string, string] {
  const comma = text.indexOf(",");
  if (comma < 0)
    throw new Error(`${kind}> is ${shown(text)}; a day and a time are needed, such as ${example}`);
  return [text.slice(0, comma).trim(), text.slice(comma + 1).trim()];
}

/** Seconds of HH:MM:SS. */
function clock(kind: string, text: string, whole: string): number {
  const [hour, minute, second] = numbers(text, 3) ?? [];
  if (hour === undefined || minute === undefined || second === undefined)
    throw new Error(`${kind}> is ${shown(whole)}; the time must be HH:MM:SS, such as 07:00:00`);
  if (hour > 23 || minute > 59 || second > 59)
    throw new Error(
      `${kind}> has the impossible time ${printable(text, 40)}, which Digdag would take for a later one; allowed is 00:00:00 to 23:59:59`,
    );
  return (hour * 60 + minute) * 60 + second;
}

function minutesAndSeconds(text: string): number {
  const [minute, second] = numbers(text, 2) ?? [];
  if (minute === undefined || second === undefined)
    throw new Error(`hourly> is ${shown(text)}; the time must be MM:SS, such as 15:00`);
  if (minute > 59 || second > 59)
    throw new Error(
      `hourly> has the impossible time ${printable(text, 40)}, which Digdag would take for a later one; allowed is 00:00 to 59:59`,
    );
  return minute * 60 + second;
}

function numbers(text: string, count: number): number[] | undefined {
  const parts = text.split(":");
  return parts.length === count && parts.every((part) => /^\d{1,2}$/.test(part))
    ? parts.map(Number)
    : undefined;
}

function delayOf(config: Config): number {
  const delay = Number(config.delay ?? 0);
  if (!Number.isInteger(delay))
    throw new Error(`delay is ${shown(String(config.delay))}; whole seconds are needed`);
  return delay;
}

function readDates(config: Config): { start?: string; end?: string } {
  const read = (key: "start" | "end") => {
    if (config[key] == null) return undefined;
    const text = String(config[key]);
    const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
    const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text)
      throw new Error(`${key} is ${shown(text)}; a date that exists is needed, such as 2026-12-01`);
    return text;
  };
  const start = read("start");
  const end = read("end");
  if (start !== undefined && end !== undefined && end < start)
    throw new Error(`end ${end} is before start ${start}`);
  return { start, end };
}

/** A run and the session it is for, as instants in milliseconds. */
export interface Run {
  run: number;
  session: number;
}

/**
 * The first run of a schedule that is registered at `now`, by the rule of Digdag's CronScheduler: the first session
 * whose run is not over yet. Undefined when it ends before, and when this machine does not know the zone.
 */
export function firstRun(schedule: Schedule, zone: string, now: number): Run | undefined {
  try {
    const opens = schedule.start === undefined ? now : Math.max(now, midnight(schedule.start, zone));
    const last = Math.ceil(opens / 1000) * 1000 - 1000 - schedule.delay * 1000;
    const session = firstMatch(schedule.pattern, zone, Math.floor(last / 60_000) * 60_000 + 60_000);
    if (session === undefined) return undefined;
    const run = session + schedule.delay * 1000;
    const closes = schedule.end === undefined ? Infinity : midnight(schedule.end, zone) + 86_400_000;
    return run < closes ? { run, session } : undefined;
  } catch {
    return undefined;
  }
}

function midnight(date: string, zone: string): number {
  const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
  return instantOf({ year, month, day, hour: 0, minute: 0 }, zone);
}
