import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { type Definition, scheduleOf } from "./definitions";
import { isoInstant, isoWithOffset } from "./zonedTime";

/** A request for something that is not there: 404. */
export class NotFound extends Error {}
/** A request for something that is there already: 409. */
export class Conflict extends Error {}

export interface Revision {
  name: string;
  createdAt: string;
  /** Base64 of the md5 of the archive. */
  archiveMd5: string;
  /** Base64. */
  archive: string;
  workflows: (Definition & { id: string })[];
}

export interface Schedule {
  id: string;
  workflow: { id: string; name: string };
  nextRunTime: string;
  nextScheduleTime: string;
  createdAt: string;
  updatedAt: string;
  disabledAt: string | null;
}

export interface Project {
  id: string;
  name: string;
  createdAt: string;
  deletedAt: string | null;
  /** Oldest first. */
  revisions: Revision[];
  schedules: Schedule[];
}

interface State {
  lastId: number;
  projects: Project[];
}

/** What the server remembers: projects, their revisions and schedules; in memory, and in a file when one is named. */
export class Store {
  private readonly state: State;

  constructor(
    private readonly now: () => Date,
    private readonly file?: string,
  ) {
    this.state =
      file !== undefined && existsSync(file)
        ? (JSON.parse(readFileSync(file, "utf8")) as State)
        : { lastId: 0, projects: [] };
  }

  /** Projects that are not deleted. */
  projects(): Project[] {
    return this.state.projects.filter((project) => project.deletedAt === null);
  }

  project(id: string): Project {
    const project = this.projects().find((candidate) => candidate.id === id);
    if (project === undefined) throw new NotFound(`Resource does not exist: project id=${id}`);
    return project;
  }

  /** The named revision, or the latest. */
  revision(project: Project, name?: string): Revision {
    const revision =
      name === undefined ? project.revisions.at(-1) : project.revisions.find((one) => one.name === name);
    if (revision === undefined)
      throw new NotFound(`Resource does not exist: revision=${name} in project id=${project.id}`);
    return revision;
  }

  /** Adds a revision and replaces workflows and schedules, all or nothing. */
  put(
    name: string,
    revisionName: string,
    archive: Buffer,
    definitions: Definition[],
    from = this.now(),
  ): Project {
    const existing = this.projects().find((candidate) => candidate.name === name);
    if (existing?.revisions.some((revision) => revision.name === revisionName)) {
      throw new Conflict(`Resource already exists: revision=${revisionName} in project id=${existing.id}`);
    }
    const createdAt = isoInstant(this.now());
    const project = existing ?? {
      id: this.nextId(),
      name,
      createdAt,
      deletedAt: null,
      revisions: [],
      schedules: [],
    };
    const workflows = definitions.map((definition) => ({ ...definition, id: this.nextId() }));
    project.revisions.push({
      name: revisionName,
      createdAt,
      archiveMd5: createHash("md5").update(archive).digest("base64"),
      archive: archive.toString("base64"),
      workflows,
    });
    project.schedules = workflows.flatMap((workflow) => this.scheduled(project, workflow, from));
    if (existing === undefined) this.state.projects.push(project);
    this.save();
    return project;
  }

  delete(id: string): Project {
    const project = this.project(id);
    project.deletedAt = isoInstant(this.now());
    project.schedules = [];
    this.save();
    return project;
  }

  schedule(id: string): { project: Project; schedule: Schedule } {
    for (const project of this.projects()) {
      const schedule = project.schedules.find((candidate) => candidate.id === id);
      if (schedule !== undefined) return { project, schedule };
    }
    throw new NotFound(`Resource does not exist: schedule id=${id}`);
  }

  setDisabled(id: string, disabled: boolean): { project: Project; schedule: Schedule } {
    const found = this.schedule(id);
    const now = isoInstant(this.now());
    found.schedule.disabledAt = disabled ? (found.schedule.disabledAt ?? now) : null;
    found.schedule.updatedAt = now;
    this.save();
    return found;
  }

  /** A schedule lives on by its workflow's name; one that was dropped has forgotten that it was disabled. */
  private scheduled(project: Project, workflow: Definition & { id: string }, from: Date): Schedule[] {
    const next = scheduleOf(workflow, from);
    if (next === undefined) return [];
    const former = project.schedules.find((schedule) => schedule.workflow.name === workflow.name);
    const now = isoInstant(this.now());
    return [
      {
        id: former?.id ?? this.nextId(),
        workflow: { id: workflow.id, name: workflow.name },
        nextRunTime: isoInstant(next.run),
        nextScheduleTime: isoWithOffset(next.session, workflow.timezone),
        createdAt: former?.createdAt ?? now,
        updatedAt: now,
        disabledAt: former?.disabledAt ?? null,
      },
    ];
  }

  private nextId(): string {
    this.state.lastId += 1;
    return String(this.state.lastId);
  }

  private save(): void {
    if (this.file === undefined) return;
    writeFileSync(`${this.file}.new`, JSON.stringify(this.state));
    renameSync(`${this.file}.new`, this.file);
  }
}
