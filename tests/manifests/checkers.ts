import { run } from "../../local/lib/run";
import type { Programs } from "./programs";

/** What a checker has against an object. */
export interface Finding {
  /** Base name of the YAML file. */
  file: string;
  /** `Deployment/digdag-runner`. */
  object: string;
  /** Id of the check; of kubeconform what it says. */
  check: string;
}

/** Runs a checker, for which to find something is to exit with 1. */
async function report<T>(program: string, args: string[], cwd: string): Promise<T> {
  const { stdout, stderr, code } = await run(program, args, { cwd, allowFailure: true, timeoutSeconds: 60 });
  if (code > 1 || stdout.trim() === "") throw new Error(`${program} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** What kubeconform says about YAML files, and how many objects it found valid. */
export async function kubeconform(
  { kubeconform: program }: Programs,
  directory: string,
  files: string[],
  schemas: string,
): Promise<{ valid: number; findings: Finding[] }> {
  const { resources = [], summary } = await report<{
    resources?: { filename: string; kind: string; name: string; status: string; msg: string }[];
    summary: { valid: number };
  }>(
    program,
    [
      ...["-strict", "-summary", "-output", "json"],
      ...["-schema-location", `${schemas}/{{.ResourceKind}}{{.KindSuffix}}.json`, ...files],
    ],
    directory,
  );
  const findings = resources.map(({ filename, kind, name, msg }) => ({
    file: filename,
    object: `${kind}/${name}`,
    check: msg,
  }));
  return { valid: summary.valid, findings };
}

/** Grade of a check of kube-score that has nothing to say. */
const ALL_OK = 10;

/** What kube-score says about the objects of one file, with every check that it has. */
export async function kubeScore(
  { kubeScore: program }: Programs,
  directory: string,
  file: string,
  flags: string[] = [],
): Promise<Finding[]> {
  const scored = await report<
    {
      type_meta: { kind: string };
      object_meta: { name: string };
      checks: { check: { id: string }; grade: number; skipped: boolean }[];
    }[]
  >(
    program,
    [
      ...["score", "--all-default-optional", "--kubernetes-version", "v1.29", "--output-format", "json"],
      ...[...flags, file],
    ],
    directory,
  );
  return scored.flatMap(({ type_meta: { kind }, object_meta: { name }, checks }) =>
    checks
      .filter(({ grade, skipped }) => !skipped && grade < ALL_OK)
      .map(({ check }) => ({ file, object: `${kind}/${name}`, check: check.id })),
  );
}

/** What checkov says about every YAML file of a directory. One run for all, because most of its time is its start. */
export async function checkov(
  { checkov: program }: Programs,
  directory: string,
): Promise<{ passed: number; findings: Finding[] }> {
  const { results, summary } = await report<{
    results: { failed_checks: { check_id: string; file_path: string; resource: string }[] };
    summary: { passed: number; parsing_errors: number };
  }>(
    program,
    // Without downloads it asks nobody; what these would bring is for users of its maker's platform.
    [
      ...["--directory", ".", "--framework", "kubernetes", "--skip-download"],
      ...["--compact", "--quiet", "--output", "json"],
    ],
    directory,
  );
  if (summary.parsing_errors > 0) throw new Error(`checkov cannot read ${summary.parsing_errors} files`);
  const findings = results.failed_checks.map(({ check_id, file_path, resource }) => {
    const [kind, ...names] = resource.split(".");
    return { file: file_path.replace(/^\//, ""), object: `${kind}/${names.at(-1)}`, check: check_id };
  });
  return { passed: summary.passed, findings };
}
