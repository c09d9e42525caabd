/** Operators of Digdag 0.10.5.1: those of its core, of OperatorModule and of GcpOperatorModule. */
export const OPERATORS: ReadonlySet<string> = new Set([
  ...["call", "require", "loop", "for_each", "for_range", "if", "fail", "echo", "wait", "notify"],
  ...["sh", "py", "rb", "embulk", "mail", "http", "http_call", "param_get", "param_set"],
  ...["pg", "redshift", "redshift_load", "redshift_unload", "s3_wait", "emr"],
  ...["bq", "bq_ddl", "bq_extract", "bq_load", "gcs_wait"],
  ...["td", "td_run", "td_ddl", "td_load", "td_for_each", "td_wait", "td_wait_table"],
  ...["td_partial_delete", "td_table_export", "td_result_export"],
]);

/** The known name that is spelt most alike, when one is alike enough to be meant. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const limit = name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance <= limit && distance < (best?.distance ?? Infinity)) best = { name: candidate, distance };
  }
  return best?.name;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
