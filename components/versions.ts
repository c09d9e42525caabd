/** Whether one version, such as 1.29 or 2.329.0, comes before another. */
export const isOlder = (version: string, other: string): boolean =>
  version.localeCompare(other, "en", { numeric: true }) < 0;
