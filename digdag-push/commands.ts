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
import { RequestFailure } from "./http";
import type { Limits } from "./limits";
import type { Connection, Options } from "./options";
import { planReport } from "./planReport";
import { preview } from "./preview";
import type { Report } from "./report";
import { rollback } from "./rollback";

/**
 * Carries out one command.
 *
 * @param seconds since its start, asked at its end
 * @throws PushError
 */
export async function execute(options: Options, limits: Limits, seconds: () => number): Promise<Report> {
  switch (options.command) {
    case "check":
      return checkReport(await check(options), options.directory, Date.now(), seconds());
    case "apply": {
      const result = await withApi(options, limits, (api) => apply(options, api));
      return applyReport(result, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
    case "plan": {
      const found = await withApi(options, limits, (api) => preview(options, api, Date.now()));
      return planReport(found, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
    case "rollback": {
      const result = await withApi(options, limits, (api) => rollback(options, api));
      return applyReport(result, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
    case "doctor": {
      const egress = () => egressAddress(options.egressAddressUrl, limits.egress);
      const steps = await withApi(options, limits, (api) => examine(options, api, limits, egress));
      return doctorReport(steps, { endpoint: options.endpoint.origin, seconds: seconds() });
    }
  }
}

/** Gives the work a connection until the deadline, and explains a failure on the way to Digdag. */
async function withApi<T>(
  connection: Connection,
  limits: Limits,
  work: (api: DigdagApi) => Promise<T>,
): Promise<T> {
  const { endpoint, authorization } = connection;
  const api = new DigdagApi({
    endpoint,
    authorization,
    proxyFor: connection.proxyFor,
    limits,
    signal: AbortSignal.timeout(connection.timeout),
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
