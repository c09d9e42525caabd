import { table } from "../../../local/lib/table";
import type { AttemptResult, TheftReport } from "./campaign";

const longestDetail = 90;

/** The report for people: one row an attempt, and below it what proves nothing. */
export function tellTheft({ attempts, refused, stolen }: TheftReport): string {
  const unproven = attempts.filter(({ proofMissing }) => proofMissing !== undefined);
  return [
    ...table(attempts.map(row)),
    "",
    ...unproven.map(({ attempt, proofMissing }) => `${attempt} proves nothing: ${proofMissing}`),
    `${attempts.length} attempts: ${refused} refused, ${stolen} stolen, ${unproven.length} that prove nothing`,
  ].join("\n");
}

function row({ attempt, refused, stolen, detail, weakenedBy, succeededWhenWeakened }: AttemptResult): object {
  const end = refused ? "refused" : stolen ? "STOLEN" : "NOT CARRIED OUT";
  return {
    attempt,
    "product's Pod": cut(`${end}: ${detail}`),
    "weakened Pod": `${succeededWhenWeakened ? "succeeded" : "FAILED"}: ${weakenedBy}`,
  };
}

const cut = (text: string) => (text.length > longestDetail ? `${text.slice(0, longestDetail - 1)}…` : text);
