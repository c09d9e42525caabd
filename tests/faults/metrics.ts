import { isLiving } from "./cluster";
import { askBroker, type Pool } from "./pool";

/** One line of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads Prometheus' text format; what is no sample is left out. */
export function parseMetrics(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return [
      { name, labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])), value: Number(value) },
    ];
  });
}

/** What the brokers of a pool show on `/metrics` under this name, each label set of each Pod by itself. */
export async function samplesOf(pool: Pool, name: string): Promise<Sample[]> {
  const pods = (await pool.pods()).filter(isLiving);
  const texts = await Promise.all(pods.map((pod) => askBroker(pod, "metrics")));
  return texts.flatMap(parseMetrics).filter((sample) => sample.name === name);
}

/** Tells, from now on, whether a broker of the pool has failed to reach Digdag more often than at this moment. */
export async function probeFailsMore(pool: Pool): Promise<() => Promise<boolean>> {
  const failures = async () =>
    (await samplesOf(pool, "digdag_runner_digdag_probes_total"))
      .filter(({ labels }) => labels.layer !== "none")
      .reduce((sum, { value }) => sum + value, 0);
  const before = await failures();
  return async () => (await failures()) > before;
}
