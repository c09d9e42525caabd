/** Reads settings from environment variables and collects every problem, so that one message can name them all. */
export class EnvironmentReader {
  private readonly problems: string[] = [];

  constructor(private readonly env: NodeJS.ProcessEnv) {}

  optional(name: string): string | undefined {
    const value = this.env[name]?.trim();
    return value === "" ? undefined : value;
  }

  text(name: string, allowed = /./, hint = "a text that is not empty"): string {
    const value = this.optional(name);
    if (value !== undefined && allowed.test(value)) return value;
    this.problem(name, value, hint);
    return "";
  }

  list(name: string, separator: string): string[] {
    const items = (this.optional(name) ?? "").split(separator).map((item) => item.trim());
    const filled = items.filter((item) => item !== "");
    if (filled.length === 0) this.problem(name, undefined, `a list separated by "${separator}"`);
    return filled;
  }

  url(name: string, fallback?: string): string {
    const value = this.optional(name) ?? fallback;
    if (value !== undefined && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) {
      return value.replace(/\/+$/, "");
    }
    this.problem(name, value, "an http or https URL");
    return "";
  }

  /** A number greater than 0. */
  number(name: string, fallback?: number): number {
    const value = this.optional(name);
    if (value === undefined && fallback !== undefined) return fallback;
    const number = Number(value);
    if (value !== undefined && Number.isFinite(number) && number > 0) return number;
    this.problem(name, value, "a number greater than 0");
    return 0;
  }

  /** Throws one Error that lists every problem found so far. */
  check(program: string): void {
    if (this.problems.length === 0) return;
    throw new Error(
      `${program} cannot start: its environment is wrong.\n${this.problems.map((p) => `  ${p}`).join("\n")}\n` +
        "These variables are set on the container by the Deployment (components/podManifest.ts).",
    );
  }

  private problem(name: string, value: string | undefined, allowed: string): void {
    this.problems.push(
      `${name} is ${value === undefined ? "not set" : JSON.stringify(value)}; allowed: ${allowed}.`,
    );
  }
}
