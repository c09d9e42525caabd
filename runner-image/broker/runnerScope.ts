/** To whom the runners belong. */
export interface RunnerScope {
  /** Organization or user. */
  owner: string;
  /** Absent: the organization itself. */
  repository: string | undefined;
}

/** For messages: "repository o/r" or "organization o". */
export function describeScope({ owner, repository }: RunnerScope): string {
  return repository ? `repository ${owner}/${repository}` : `organization ${owner}`;
}
