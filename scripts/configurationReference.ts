import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rules } from "../components/configRules";
import { type KeySchema, type ProjectSchema, readSchema } from "../components/configSchema";

const root = join(__dirname, "..");
const page = join(root, "docs", "configuration.md");

/** What stands around the generated part of the page. */
const markers = {
  start: "<!-- generated from Pulumi.yaml: start -->",
  end: "<!-- generated from Pulumi.yaml: end -->",
};

const code = (text: string) => `\`${text}\``;

function defaultOf({ type, default: value }: KeySchema): string {
  if (value === "") return "not set";
  return type === "array" ? "empty" : code(String(value));
}

function row(key: string, schema: KeySchema): string {
  const example = rules[key]?.example ?? String(!schema.default);
  const cells = [code(key), schema.type, defaultOf(schema), schema.description, code(example)];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The table of every key, in the order of `Pulumi.yaml`. */
export function renderTable({ keys }: ProjectSchema): string {
  return [
    "| key | type | default | meaning | example |",
    "|---|---|---|---|---|",
    ...Object.entries(keys).map(([key, schema]) => row(key, schema)),
  ].join("\n");
}

/** `text` with what stands between the markers replaced. @throws Error when a marker is missing */
export function withTable(text: string, table: string): string {
  const start = text.indexOf(markers.start);
  const end = text.indexOf(markers.end);
  if (start < 0 || end < start)
    throw new Error(`docs/configuration.md needs the markers ${markers.start} and ${markers.end}`);
  return `${text.slice(0, start + markers.start.length)}\n${table}\n${text.slice(end)}`;
}

/** Writes the page, or with `--check` only says whether it is up to date. */
function main(check: boolean): void {
  const text = readFileSync(page, "utf8");
  const current = withTable(text, renderTable(readSchema(root)));
  if (text === current) return;
  if (check) {
    console.error("docs/configuration.md is not what Pulumi.yaml says. Run: npm run reference");
    process.exitCode = 1;
  } else {
    writeFileSync(page, current);
  }
}

if (require.main === module) main(process.argv.includes("--check"));
