/** The registration or the job is gone on the server. */
export class Gone extends Error {}
/** A session for the registration is alive. */
export class Conflict extends Error {}

/** Calls the server's half of `../protocol.ts`. */
export class Connection {
  constructor(
    private readonly serverUrl: string,
    private readonly secret: string,
  ) {}

  /**
   * @returns the answer's JSON, or undefined when it has none
   * @throws Gone, Conflict, or Error when the server cannot be reached or fails
   */
  async call(
    method: string,
    path: string,
    { body, session, signal }: { body?: object | string; session?: string; signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const response = await fetch(`${this.serverUrl}/_runner${path}`, {
      method,
      headers: { authorization: `Bearer ${this.secret}`, ...(session && { "x-session": session }) },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    if (response.status === 404) throw new Gone(text);
    if (response.status === 409) throw new Conflict(text);
    if (!response.ok) throw new Error(`${response.status} from ${method} ${path}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}
