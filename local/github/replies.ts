import type { components } from "@octokit/openapi-types";
import type { Reply } from "./http";

export type Schemas = components["schemas"];

const docs = "https://docs.github.com/rest";

/** A refusal in GitHub's usual shape. */
export function failure(status: number, message: string, headers: Record<string, string> = {}): Reply {
  const body: Schemas["basic-error"] = { message, documentation_url: docs, status: String(status) };
  return { status, headers, json: body };
}

export const notFound = (): Reply => failure(404, "Not Found");

/** 422, for what GitHub understood and does not accept. */
export function invalid(message: string): Reply {
  const body: Schemas["validation-error-simple"] & { status: string } = {
    message,
    documentation_url: docs,
    status: "422",
  };
  return { status: 422, json: body };
}

/** The answer for a repository's old name: 307 keeps the method, and clients are to keep it for 301 as well. */
export function moved(method: string, url: string): Reply {
  const body = { message: "Moved Permanently", url, documentation_url: docs };
  return { status: method === "GET" ? 301 : 307, headers: { location: url }, json: body };
}
