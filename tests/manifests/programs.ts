import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goBuild, quickBuild } from "../../local/engine/goBuild";
import { installPython } from "../../local/engine/pythonPrograms";
import { type Report, run } from "../../local/lib/run";

const CHECKOV = "3.3.30";
/** Of the package that carries the JSON schemas of Kubernetes' own API description, of one release per minor version. */
const SCHEMAS = "1.37.0";

/** Paths of what checks the manifests. */
export interface Programs {
  kubeconform: string;
  kubeScore: string;
  checkov: string;
  /** Directory with a directory of strict schemas for every version of Kubernetes: `v1.29.0-local-strict`. */
  schemas: string;
}

/** Builds and installs what is not in the cache yet: about a minute. */
export async function ensurePrograms(report: Report): Promise<Programs> {
  const built = await goBuild(
    {
      name: "manifest-checkers",
      directory: join(__dirname, "checkers"),
      programs: {
        kubeconform: "github.com/yannh/kubeconform/cmd/kubeconform",
        "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
      },
      flags: quickBuild,
    },
    { report },
  );
  const environment = await installPython(
    {
      name: `checkov-${CHECKOV}-schemas-${SCHEMAS}`,
      requirements: [`checkov==${CHECKOV}`, `kubernetes-validate==${SCHEMAS}`],
    },
    report,
  );
  const python = join(environment, "bin", "python");
  const where = "import sysconfig; print(sysconfig.get_path('purelib'))";
  const { stdout } = await run(python, ["-c", where]);
  return {
    kubeconform: join(built, "kubeconform"),
    kubeScore: join(built, "kube-score"),
    checkov: join(environment, "bin", "checkov"),
    schemas: join(stdout.trim(), "kubernetes_validate", "kubernetes-json-schema"),
  };
}

/** Minor versions that there are schemas for, oldest first: `1.29`. */
export function versionsWithSchemas({ schemas }: Programs): string[] {
  return readdirSync(schemas)
    .flatMap((name) => /^v1\.(\d+)\.0-local-strict$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .map((minor) => `1.${minor}`);
}

/**
 * Writes the schemas of one version, for objects of some kinds, into a directory, so that kubeconform finds all of them in files: as they come,
 * they name each other by addresses on the internet, where none of them is. Without `$schema` it takes them for the draft of
 * its own schemas, and spends no second on checking definitions that nobody uses. Beside them those of the External Secrets Operator,
 * which no version of Kubernetes has.
 */
export function writeSchemas(
  { schemas }: Programs,
  version: string,
  kinds: ReadonlySet<string>,
  into: string,
): void {
  const from = join(schemas, `v${version}.0-local-strict`);
  const prefixes = new Set(["_definitions.json", ...[...kinds].map((kind) => kind.toLowerCase())]);
  for (const file of readdirSync(from).filter((name) => prefixes.has(name.split("-")[0] ?? ""))) {
    const { $id, $schema, ...schema } = JSON.parse(readFileSync(join(from, file), "utf8"));
    const text = JSON.stringify(schema).replaceAll('"/api/_definitions.json#', '"_definitions.json#');
    writeFileSync(join(into, file), text);
  }
  cpSync(join(__dirname, "schemas"), into, { recursive: true });
}
