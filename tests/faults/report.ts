import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stateDir } from "../../local/lib/paths";
import { paint } from "../../local/lib/steps";
import { table } from "../../local/lib/table";
import type { CaseResult } from "./runCase";

/** What `.local/faults.json` holds. */
export interface CampaignReport {
  seed: number;
  seconds: number;
  cases: CaseResult[];
  lost: number;
  ghosts: number;
}

export const reportFile = join(stateDir, "faults.json");

export function makeReport(seed: number, seconds: number, cases: CaseResult[]): CampaignReport {
  const sum = (of: (result: CaseResult) => number) => cases.reduce((total, each) => total + of(each), 0);
  return {
    seed,
    seconds: Math.round(seconds),
    cases,
    lost: sum(({ lost }) => lost),
    ghosts: sum(({ ghosts }) => ghosts),
  };
}

export function writeReport(report: CampaignReport): void {
  writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`);
}

/** Whether the product kept all its promises. */
export function allPassed({ cases, lost, ghosts }: CampaignReport): boolean {
  return cases.length > 0 && cases.every(({ passed }) => passed) && lost === 0 && ghosts === 0;
}

/** One line for one case that has just ended. */
export function tellCase(result: CaseResult, done: number, planned: number): string {
  const { passed, pool, fault, moment, jobs, recoverySeconds, seconds, note } = result;
  const mark = passed ? paint(32, "✓") : paint(31, "✗");
  const recovery = recoverySeconds === null ? "not recovered" : `recovered in ${recoverySeconds} s`;
  const rest = paint(2, `${pool}, ${jobs} jobs, ${recovery}, case took ${seconds} s`);
  return `${mark} ${done}/${planned} ${fault} · ${moment} ${rest}${note ? `\n    ${note}` : ""}`;
}

/** The end of a campaign: one row for each fault. */
export function tellReport(report: CampaignReport): string {
  const kinds = [...new Set(report.cases.map(({ fault }) => fault))].sort();
  const rows = kinds.map((fault) => {
    const cases = report.cases.filter((each) => each.fault === fault);
    const recoveries = cases.flatMap(({ recoverySeconds }) => recoverySeconds ?? []).sort((a, b) => a - b);
    const sum = (of: (result: CaseResult) => number) => cases.reduce((total, each) => total + of(each), 0);
    return {
      fault,
      passed: `${cases.filter(({ passed }) => passed).length}/${cases.length}`,
      jobs: sum(({ jobs }) => jobs),
      lost: sum(({ lost }) => lost),
      ghosts: sum(({ ghosts }) => ghosts),
      "recovery s": recoveries.join(" "),
      moments: cases.map(({ moment }) => moment).join(", "),
    };
  });
  const failed = report.cases.filter(({ passed }) => !passed);
  const jobs = report.cases.reduce((total, each) => total + each.jobs, 0);
  const minutes = (report.seconds / 60).toFixed(1);
  return [
    ...table(rows).map((line) => line.trimEnd()),
    "",
    `${kinds.length} kinds of faults, ${report.cases.length} cases, ${jobs} jobs, seed ${report.seed}, ${minutes} minutes`,
    `${failed.length} cases failed, ${report.lost} jobs lost, ${report.ghosts} ghosts (${reportFile})`,
  ].join("\n");
}
