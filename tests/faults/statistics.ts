/** The value below which this share of the sorted values lies, between neighbours in proportion; NaN for none. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** How much y grows with each 1 of x, by least squares; 0 where x does not vary. */
export function slope(points: readonly { x: number; y: number }[]): number {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = mean(({ x }) => (x - meanX) ** 2);
  return spread === 0 ? 0 : mean(({ x, y }) => (x - meanX) * (y - meanY)) / spread;
}

const bars = "▁▂▃▄▅▆▇█";

/** The course of the values, from the lowest to the highest of them, in at most `width` characters. */
export function sparkline(values: readonly number[], width = 40): string {
  if (values.length === 0) return "";
  const columns = Math.min(width, values.length);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return Array.from({ length: columns }, (_, column) => {
    const value = values[Math.floor((column * values.length) / columns)] as number;
    const share = high === low ? 0 : (value - low) / (high - low);
    return bars[Math.round(share * (bars.length - 1))];
  }).join("");
}
