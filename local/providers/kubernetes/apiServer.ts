import { request } from "node:https";
import type { Values } from "../standIn";
import type { Connection } from "./kubeconfig";

const TIMEOUT_MS = 60_000;

/** An answer of the API server other than success; the message is the server's own. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(`${message} (HTTP ${status})`);
  }
}

/**
 * One request to the API server.
 *
 * @param path with query, such as `/api/v1/namespaces/default/pods?limit=1`
 * @throws ApiError for every status but 2xx
 */
export async function callApi(
  connection: Connection,
  method: "GET" | "PATCH" | "DELETE",
  path: string,
  body?: { type: string; content: unknown },
): Promise<Values> {
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = request(
      new URL(path, connection.server),
      {
        method,
        agent: connection.agent,
        timeout: TIMEOUT_MS,
        headers: {
          accept: "application/json",
          ...(connection.authorization && { authorization: connection.authorization }),
          ...(body && { "content-type": body.type }),
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    outgoing.on("error", (error) =>
      reject(new Error(`the API server at ${connection.server.origin} cannot be reached: ${error.message}`)),
    );
    outgoing.end(body && JSON.stringify(body.content));
  });
  const answer = parse(text);
  if (status < 200 || status > 299) {
    throw new ApiError(status, typeof answer.message === "string" ? answer.message : text.slice(0, 500));
  }
  return answer;
}

function parse(text: string): Values {
  try {
    return JSON.parse(text) as Values;
  } catch {
    return {};
  }
}
