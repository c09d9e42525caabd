import type { Call, Reply } from "./http";
import { failure, notFound } from "./replies";
import type { RestContext } from "./rest";
import { mayReach, powerOver } from "./tokens";
import type { Permission, PermissionName, Token } from "./types";

/** One operation of the REST API. */
export interface Route {
  /** `GET /repos/{owner}/{repo}/environments/{name}`, as GitHub's documentation writes it. */
  operation: string;
  /** What a fine-grained token needs. Not set: any token may. */
  needs?: { permission: PermissionName; power: Exclude<Permission, "none"> };
  /** @param parameters the values of the path, in their order */
  answer: (context: RestContext, call: Call, parameters: string[]) => Reply;
}

/** Answers with the route of this operation, unless the token may not use it. */
export function answerRoutes(routes: Route[], context: RestContext, call: Call, token: Token): Reply {
  for (const { operation, needs, answer } of routes) {
    const [method, path = ""] = operation.split(" ");
    const match = new RegExp(`^${path.replace(/\{\w+\}/g, "([^/]+)")}$`).exec(call.path);
    if (!match || call.method !== method) continue;
    const parameters = match.slice(1);
    const scope = path.startsWith("/repos/") ? parameters.slice(0, 2).join("/") : (parameters[0] ?? "");
    if (!path.startsWith("/users/") && !mayReach(token, scope)) return notFound();
    const refused = needs && refusePower(token, needs.permission, needs.power);
    return refused ?? answer(context, call, parameters);
  }
  return notFound();
}

/** GitHub's answer to a token without this permission; undefined for one that has it. */
export function refusePower(
  token: Token,
  permission: PermissionName,
  needed: Exclude<Permission, "none">,
): Reply | undefined {
  const power = powerOver(token, permission);
  if (power === "write" || power === needed) return undefined;
  const by = token.appId === undefined ? "personal access token" : "integration";
  return failure(403, `Resource not accessible by ${by}`, {
    "x-accepted-github-permissions": `${permission}=${needed}`,
  });
}
