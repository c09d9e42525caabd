import { version } from "../package.json";
import { NetworkError } from "./advice";
import { apply } from "./apply";
import { applyReport } from "./applyReport";
import { check } from "./check";
import { checkReport } from "./checkReport";
import { DigdagApi } from "./digdagApi";
import { examine } from "./doctor";
import { doctorReport } from "./doctorReport";
import { egressAddress } from "./egress";
import { EXIT, messageOf, PushError, printable } from "./errors";
import { changedSince } from "./git";
import { RequestFailure } from "./http";
import type { Limits } from "./limits";
import { inParallel, manyReport } from "./many";
import type { Connection, ManyProjects, Options } from "./options";
import { planReport } from "./planReport";
import { preview } from "./preview";
import { failureReport, type Report } from "./report";
import { rollback } from "./rollback";

/** How a command is carried out. */
export interface Run {
  limits: Limits;
  /** The deadline. */
  signal: AbortSignal;
  /** Since the start, asked at the end. */
  seconds: () => number;
}

/** Carries out one command for the projects of a file, each with a report of its own. */
export async function executeMany(many: ManyProjects, run: Run): Promise<Report> {
  const { items, changedSince: commit, root } = many;
  const folders = new Map(items.map(({ target }) => [target.project, target.folders]));
  const changed = commit === undefined ? undefined : await changedSince(root, commit, folders);
  const chosen = items.filter(({ target }) => changed?.has(target.project) ?? true);
  const notes =
    commit === undefined || changed !== undefined
      ? []
      : [`What changed since ${printable(commit, 80)} is not known to git here: every project was taken.`];
  const parts = await inParallel(chosen, many.parallel, async ({ target, options }) => {
    const report = await execute(options, run).catch((error) =>
      failureReport(asPushError(error), run.seconds()),
    );
    return { project: target.project, directory: target.directory, report };
  });
  const skipped = items.filter((item) => !chosen.includes(item)).map(({ target }) => target.project);
  return manyReport(parts, skipped, notes, run.seconds());
}

/** What ends a command, whatever was thrown. */
export function asPushError(thrown: unknown): PushError {
  if (thrown instanceof PushError) return thrown;
  return new PushError(EXIT.failed, `unexpected error: ${printable(messageOf(thrown))}`);
}

/**
 * Carries out one command.
 *
 * @throws PushError
 */
export async function execute(options: Options, run: Run): Promise<Report> {
  const { limits, seconds } = run;
  switch (options.command) {
    case "check":
      return checkReport(await check(options), options.directory, Date.now(), seconds());
    case "apply": {
      const result = await withApi(options, run, (api) => apply(options, api));
      return applyReport(result, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
    case "plan": {
      const found = await withApi(options, run, (api) => preview(options, api, Date.now()));
      return planReport(found, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
    case "rollback": {
      const result = await withApi(options, run, (api) => rollback(options, api));
      return applyReport(result, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
    case "doctor": {
      const egress = () => egressAddress(options.egressAddressUrl, limits.egress);
      const steps = await withApi(options, run, (api) => examine(options, api, limits, egress));
      return doctorReport(steps, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
  }
}

/** Gives the work a connection until the deadline, and explains a failure on the way to Digdag. */
async function withApi<T>(
  connection: Connection,
  { limits, signal }: Run,
  work: (api: DigdagApi) => Promise<T>,
): Promise<T> {
  const { endpoint, credentials } = connection;
  const api = new DigdagApi({
    endpoint,
    credentials,
    proxyFor: connection.proxyFor,
    limits,
    signal,
    userAgent: `digdag-push/${version}`,
  });
  try {
    return await work(api);
  } catch (error) {
    if (!(error instanceof RequestFailure)) throw error;
    const egress = await egressAddress(connection.egressAddressUrl, limits.egress);
    throw new NetworkError(error, endpoint, egress);
  } finally {
    api.close();
  }
}
