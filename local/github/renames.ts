import { sameName } from "./registry";

/** Repositories that have another name now; both names and the id lead to the same one. */
export class Renames {
  private readonly renamed: { id: number; from: string; to: string }[] = [];

  /** Names are `owner/name`. */
  add(from: string, to: string): void {
    this.renamed.push({ id: 900_001 + this.renamed.length, from, to });
  }

  /** Id of the repository that had this name before. */
  idOf(name: string): number | undefined {
    return this.renamed.find(({ from }) => sameName(from, name))?.id;
  }

  /** Today's name, `owner/name`. */
  nameOf(id: number): string | undefined {
    return this.renamed.find((each) => each.id === id)?.to;
  }
}
