/** Rows under their column names, each column as wide as its widest cell. */
export function table(rows: object[]): string[] {
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((name) => cell(row[name as keyof typeof row])))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines.map((line) => line.map((text, index) => text.padEnd(widths[index] ?? 0)).join("  "));
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "-";
  return typeof value === "object" ? JSON.stringify(value).replaceAll('"', "") : String(value);
}
