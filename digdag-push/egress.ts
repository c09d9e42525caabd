import { isIP } from "node:net";
import { send } from "./http";

/** The address this machine leaves from, or why it is not known. */
export type Egress = { address: string } | { unknown: string };

/**
 * Asks a service that answers with the caller's address in plain text. Never throws: it is asked to explain a failure.
 *
 * @param url the service, such as https://checkip.amazonaws.com
 * @param timeout milliseconds for everything
 */
export async function egressAddress(url: string | undefined, timeout: number): Promise<Egress> {
  if (url === undefined || url === "") return { unknown: "EGRESS_ADDRESS_URL is not set" };
  try {
    const answer = await send(new URL(url), {
      method: "GET",
      connectTimeout: timeout,
      answerTimeout: timeout,
      signal: AbortSignal.timeout(timeout),
    });
    const text = answer.body.subarray(0, 100).toString("utf8").trim();
    if (answer.status === 200 && isIP(text) !== 0) return { address: text };
    return { unknown: `${new URL(url).origin} answered ${answer.status} and no address` };
  } catch {
    return { unknown: "EGRESS_ADDRESS_URL gave no answer" };
  }
}
