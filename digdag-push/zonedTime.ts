/** Wall-clock time of a place; fields outside their range roll over. */
export interface WallTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
}

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds that the zone is ahead of UTC. Throws RangeError for a zone that this machine does not know. */
function offsetAt(instant: number, zone: string): number {
  const fixed = fixedOffset(zone);
  if (fixed !== undefined) return fixed;
  const wall = new Map(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const field = (name: Intl.DateTimeFormatPartTypes) => wall.get(name) ?? 0;
  const seconds = Date.UTC(
    field("year"),
    field("month") - 1,
    field("day"),
    field("hour"),
    field("minute"),
    field("second"),
  );
  return seconds - Math.floor(instant / 1000) * 1000;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const numeric = "numeric" as const;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
  });
  formats.set(zone, format);
  return format;
}

/** Offset of `Z`, `+09:00` and `GMT+9` in milliseconds; undefined for any other zone. */
function fixedOffset(zone: string): number | undefined {
  if (zone === "Z" || zone === "UTC" || zone === "GMT") return 0;
  const [, sign, hours, minutes = "0"] = /^(?:GMT)?([+-])(\d{1,2}):?(\d{2})?$/.exec(zone) ?? [];
  if (sign === undefined) return undefined;
  return (sign === "-" ? -60_000 : 60_000) * (Number(hours) * 60 + Number(minutes));
}

/** The wall-clock time of an instant. */
export function wallTime(instant: number, zone: string): WallTime {
  const shifted = new Date(instant + offsetAt(instant, zone));
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
  };
}

/**
 * The instant of a wall-clock time, in milliseconds, as Java's GregorianCalendar reads it: a time that a clock change
 * skips counts from before the change, one that comes twice is the later one.
 */
export function instantOf(time: WallTime, zone: string): number {
  const utc = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute);
  const before = utc - offsetAt(utc - DAY, zone);
  const after = utc - offsetAt(utc + DAY, zone);
  const fits = [before, after].filter((instant) => instant + offsetAt(instant, zone) === utc);
  return fits.length > 0 ? Math.max(...fits) : before;
}

/** `2026-12-01T07:00:00Z`, as Digdag writes instants. */
export function isoInstant(instant: number): string {
  return new Date(instant).toISOString().replace(".000Z", "Z");
}

/** `2026-12-01 07:00 Asia/Tokyo`; the instant itself where this machine does not know the zone. */
export function localText(instant: number, zone: string): string {
  try {
    const { year, month, day, hour, minute } = wallTime(instant, zone);
    const two = (value: number) => String(value).padStart(2, "0");
    return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)} ${zone}`;
  } catch {
    return new Date(instant).toISOString();
  }
}

// Of the names of three letters that JavaScript takes, Java's ZoneId has only these.
const SHORT_NAMES = ["UTC", "GMT", "UCT", "CET", "EET", "MET", "WET", "PRC", "ROK"];

/** Whether Java's ZoneId, which Digdag uses, knows the zone: an IANA name, or an offset such as +09:00 or UTC+9. */
export function isTimezone(zone: string): boolean {
  const offset = /^(?:UTC|GMT|UT)?[+-](\d{1,2}|\d{2}:?\d{2}|\d{2}:\d{2}:\d{2})$/.exec(zone)?.[1];
  if (offset !== undefined) return Number(offset.slice(0, 2)) <= 18;
  if (zone === "Z" || zone === "UT") return true;
  if (/^[A-Z]{3}$/.test(zone) && !SHORT_NAMES.includes(zone)) return false;
  try {
    const { timeZone } = formatOf(zone).resolvedOptions();
    // Java wants the exact spelling; an alias, which JavaScript answers with its target, cannot be compared.
    return timeZone === zone || timeZone.toLowerCase() !== zone.toLowerCase();
  } catch {
    return false;
  }
}
