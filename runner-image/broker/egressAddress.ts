import { isIP } from "node:net";
import { messageOf } from "../shared/log";

const TIMEOUT_MS = 5000;
const KEEP_MS = 300_000;

/** The public address this Pod leaves from, asked of a service that answers with it in plain text; kept for five minutes. */
export class EgressAddress {
  private known: { address: string; at: number } | undefined;

  constructor(private readonly url: string) {}

  /** The address, or in words why it is not known. Never throws. */
  async describe(now = Date.now()): Promise<string> {
    if (this.known && now - this.known.at < KEEP_MS) return this.known.address;
    try {
      const answer = await fetch(this.url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      const address = (await answer.text()).trim();
      if (!answer.ok || !isIP(address)) throw new Error(`status ${answer.status}, no address in the answer`);
      this.known = { address, at: now };
      return address;
    } catch (error) {
      const cause = error instanceof Error && error.cause ? error.cause : error;
      return `an unknown address (${this.url} did not tell: ${messageOf(cause)})`;
    }
  }
}
