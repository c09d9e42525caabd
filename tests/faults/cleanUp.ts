import { readState } from "../../local/lib/state";
import { repairNode } from "./node";
import { removeOtherImage } from "./otherImage";
import { removeLeftovers } from "./pool";
import type { Campaign } from "./poolObjects";

/** Puts everything back that a campaign may have left, its own end or not. @returns the pools that were still there */
export async function cleanUp(campaign: Campaign): Promise<string[]> {
  if (readState().context) return []; // nothing was begun in a cluster that is not ours
  await repairNode();
  const removed = await removeLeftovers(campaign);
  await removeOtherImage();
  return removed;
}

// As a program, with the campaign's name: what an interrupted campaign runs in its place, since nothing of its own may go on meanwhile.
if (require.main === module) {
  cleanUp(process.argv[2] as Campaign).then(
    (removed) => console.error(`removed: ${removed.join(", ") || "nothing was left"}`),
    (error: Error) => {
      console.error(`the clean-up failed; the next run tries again: ${error.message}`);
      process.exitCode = 1;
    },
  );
}
