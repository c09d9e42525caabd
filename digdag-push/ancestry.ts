import { EXIT, PushError } from "./errors";
import { git } from "./git";

/** How the commit to push stands to the one that is served. */
export type Ancestry =
  | { kind: "forward" }
  /** The served commit is no ancestor: pushing would take its changes back. */
  | { kind: "backward"; served: string }
  /** One of the revisions is not named after a commit. */
  | { kind: "unnamed" }
  | { kind: "unknown"; why: string };

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?(?=$|-)/;

/**
 * Whether the served revision's commit is an ancestor of the one to push. Revisions are commits when their name is one,
 * also with an ending such as `-rollback-7-1`.
 *
 * @param directory inside the repository
 */
export async function ancestry(directory: string, served: string, revision: string): Promise<Ancestry> {
  const [from] = COMMIT.exec(served) ?? [];
  const [to] = COMMIT.exec(revision) ?? [];
  if (from === undefined || to === undefined) return { kind: "unnamed" };
  if (from === to) return { kind: "forward" };
  try {
    await git(directory, ["cat-file", "-e", `${to}^{commit}`]);
    await git(directory, ["cat-file", "-e", `${from}^{commit}`]);
  } catch {
    return {
      kind: "unknown",
      why: `the served commit ${from.slice(0, 12)} is not in this checkout; actions/checkout with fetch-depth: 0 brings it`,
    };
  }
  try {
    await git(directory, ["merge-base", "--is-ancestor", from, to]);
    return { kind: "forward" };
  } catch (error) {
    // 1 is git's "no"; anything else is no answer.
    if ((error as { code?: unknown }).code !== 1)
      return { kind: "unknown", why: "git could not compare the commits" };
    if (await isShallow(directory))
      return {
        kind: "unknown",
        why: "this checkout holds only the latest commits; actions/checkout with fetch-depth: 0 brings all",
      };
    return { kind: "backward", served: from };
  }
}

/** Where history is cut off, "no ancestor" says nothing. */
async function isShallow(directory: string): Promise<boolean> {
  return (await git(directory, ["rev-parse", "--is-shallow-repository"])).trim() === "true";
}

/**
 * Refuses to take back what is served.
 *
 * @throws PushError (exit code 6)
 */
export function refuseBackward(found: Ancestry, revision: string): void {
  if (found.kind !== "backward") return;
  throw new PushError(
    EXIT.backward,
    `Digdag serves commit ${found.served}, which is not part of ${revision}: this push would take its changes back`,
    {
      advice:
        "A newer run, or one from another branch, has deployed. Merge that commit, or if going back is meant use " +
        "`digdag-push rollback` for a revision that Digdag knows, or --force.",
    },
  );
}
