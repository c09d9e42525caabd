import { type Archive, buildArchive } from "./archive";
import { EXIT, type Problem, PushError } from "./errors";
import { inspectFiles } from "./hygiene";
import { type Project, readProject, sortByPath } from "./project";
import { type Knowledge, readWorkflows, type Workflow } from "./workflows";

/** A project's files and how strictly they are judged. */
export interface ProjectFiles extends Knowledge {
  directory: string;
  /** Warnings count as errors. */
  strict: boolean;
  /** Files of the upload that this program writes, by path; they stand in for those of the directory. */
  generated: Readonly<Record<string, string>>;
}

/** A project that is fit to be pushed. */
export interface Prepared {
  project: Project;
  workflows: Workflow[];
  archive: Archive;
  warnings: Problem[];
}

/**
 * Everything that needs no server.
 *
 * @throws PushError (exit code 2) with every error and warning, by file and line
 */
export async function prepare(files: ProjectFiles): Promise<Prepared> {
  const project = withGenerated(readProject(files.directory), files.generated);
  const { workflows, problems } = readWorkflows(project, files);
  const found: Problem[] = [...problems, ...inspectFiles(project)].map((problem) =>
    files.strict ? { ...problem, warning: undefined } : problem,
  );
  found.sort(byPlace);
  const errors = found.filter(({ warning }) => !warning).length;
  if (errors > 0) {
    const noun = errors === 1 ? "one error" : `${errors} errors`;
    throw new PushError(EXIT.refused, `the project's files have ${noun}`, { problems: found });
  }
  return { project, workflows, archive: await buildArchive(project.entries), warnings: found };
}

function withGenerated(project: Project, generated: ProjectFiles["generated"]): Project {
  const written = Object.entries(generated).map(([path, text]) => ({
    kind: "file" as const,
    path,
    executable: false,
    content: Buffer.from(text),
  }));
  const kept = project.entries.filter(({ path }) => !Object.hasOwn(generated, path));
  return { ...project, entries: sortByPath([...kept, ...written]) };
}

function byPlace(a: Problem, b: Problem): number {
  if ((a.file ?? "") !== (b.file ?? "")) return (a.file ?? "") < (b.file ?? "") ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
