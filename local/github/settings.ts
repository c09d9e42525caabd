import type { Clock } from "./clock";
import type { Schemas } from "./replies";
import type { Accounts } from "./types";

/** An environment of a repository. */
export interface Environment {
  id: number;
  name: string;
  createdAt: string;
  reviewers: { type: "User" | "Team"; id: number }[];
  preventSelfReview: boolean;
  canAdminsBypass: boolean;
  branchPolicy: Schemas["deployment-branch-policy-settings"];
  /** Name patterns of branches by the id of their policy. */
  branches: Map<number, string>;
  variables: Variables;
}

/** Actions variables by their names, which are in upper case. */
export type Variables = Map<string, Schemas["actions-variable"]>;

/** A repository as its settings see it. */
export interface Repository {
  id: number;
  name: string;
  visibility: "private" | "public";
  environments: Map<string, Environment>;
  variables: Variables;
}

/** Entries of an object by lower-case names, as GitHub compares them. */
const byName = <T>(entries: Record<string, T>) =>
  new Map(Object.entries(entries).map(([name, value]) => [name.toLowerCase(), value]));

/** The settings of repositories, and who may be named in them. */
export class Settings {
  private readonly repositories: Map<string, Repository>;
  private readonly users: Map<string, number>;
  private readonly teams: Map<string, number>;
  private lastId = 100;

  constructor(
    { repositories, users, teams }: Accounts,
    private readonly clock: Clock,
  ) {
    const withSettings = Object.entries(repositories).map(([name, given]) => [
      name,
      { name, ...given, environments: new Map(), variables: new Map() },
    ]);
    this.repositories = byName<Repository>(Object.fromEntries(withSettings));
    this.users = byName(users);
    this.teams = byName(teams);
  }

  repository = (name: string): Repository | undefined => this.repositories.get(name.toLowerCase());
  user = (login: string): number | undefined => this.users.get(login.toLowerCase());
  team = (name: string): number | undefined => this.teams.get(name.toLowerCase());

  newId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  now(): string {
    return new Date(this.clock.now()).toISOString();
  }

  /** Whether an id is one of a user or of a team that exists. */
  isReviewer({ type, id }: { type?: string; id?: number }): boolean {
    const known = type === "Team" ? this.teams : this.users;
    return [...known.values()].includes(id ?? 0);
  }
}
