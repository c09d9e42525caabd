/** Wall-clock time somewhere; fields outside their range roll over. */
export interface WallTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone that does not exist. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  return format;
}

/** @throws RangeError for a zone that does not exist. */
export function wallTime(instant: Date, zone: string): WallTime {
  const parts = formatOf(zone).formatToParts(instant);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return {
    year: value("year"),
    month: value("month"),
    day: value("day"),
    hour: value("hour"),
    minute: value("minute"),
    second: value("second"),
  };
}

/** The instant of a wall-clock time; one that a clock change skips counts as the time after the change. */
export function instantOf(time: WallTime, zone: string): Date {
  const asUtc = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
  let guess = asUtc - offsetMilliseconds(new Date(asUtc), zone);
  guess = asUtc - offsetMilliseconds(new Date(guess), zone);
  return new Date(guess);
}

function offsetMilliseconds(instant: Date, zone: string): number {
  const wall = wallTime(instant, zone);
  const seconds = Math.floor(instant.getTime() / 1000) * 1000;
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second) - seconds;
}

/** As Digdag's JSON writes an instant, without fractions of the second: `2026-12-01T07:00:00Z`. */
export function isoInstant(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, "Z");
}

/** ISO with the zone's offset, such as `2026-12-01T07:00:00+09:00`. */
export function isoWithOffset(instant: Date, zone: string): string {
  const offset = offsetMilliseconds(instant, zone);
  const local = new Date(instant.getTime() + offset).toISOString().slice(0, 19);
  const minutes = Math.abs(offset) / 60_000;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${local}${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
