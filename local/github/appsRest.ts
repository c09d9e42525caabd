import { type Call, json, type Reply } from "./http";
import { sameName } from "./registry";
import type { Renames } from "./renames";
import { failure, invalid, moved, notFound, type Schemas } from "./replies";
import type { Tokens } from "./tokens";
import type { App, Permission, PermissionName } from "./types";

const permissionNames: PermissionName[] = ["administration", "organization_self_hosted_runners"];

/** What a token is asked for; nothing means all that the installation has. */
interface MintRequest {
  repositories?: string[];
  repository_ids?: number[];
  permissions?: Record<string, string>;
}

interface AppsContext {
  tokens: Tokens;
  renames: Renames;
  apiUrl: string;
}

/** Answers what an App asks with its own JWT: where it is installed, and for a token of that installation. */
export function answerApp(context: AppsContext, call: Call, jwt: string): Reply {
  const app = context.tokens.app(jwt);
  if ("refusal" in app) return failure(app.status, app.refusal);
  const mint = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(call.path);
  if (mint && call.method === "POST") {
    return Number(mint[1]) === app.installationId ? mintToken(context, call, app) : notFound();
  }
  return call.method === "GET" ? findInstallation(context, call, app) : notFound();
}

function findInstallation({ renames, apiUrl }: AppsContext, call: Call, app: App): Reply {
  const match = /^\/(?:repos\/([^/]+\/[^/]+)|repositories\/(\d+)|orgs\/([^/]+))\/installation$/.exec(
    call.path,
  );
  if (!match) return notFound();
  const [, name, id, organization] = match;
  const moveTo = name === undefined ? undefined : renames.idOf(name);
  if (moveTo !== undefined) return moved(call.method, `${apiUrl}/repositories/${moveTo}/installation`);
  const [account, repository] = (name ?? renames.nameOf(Number(id)) ?? organization ?? "").split("/");
  if (!sameName(account ?? "", app.account)) return notFound();
  if (repository !== undefined && !covers(app, repository)) return notFound();
  const body: Pick<
    Schemas["installation"],
    "id" | "app_id" | "repository_selection" | "permissions" | "suspended_at"
  > = {
    id: app.installationId,
    app_id: app.appId,
    repository_selection: app.repositories ? "selected" : "all",
    permissions: granted(app),
    suspended_at: app.suspendedAt ?? null,
  };
  return { status: 200, json: body };
}

function mintToken({ tokens, renames }: AppsContext, call: Call, app: App): Reply {
  if (app.suspendedAt !== undefined) return failure(403, "This installation has been suspended");
  const { repositories = [], repository_ids: ids = [], permissions } = json(call) as MintRequest;
  // Whether GitHub would find a repository by its old name here is not known, so a client must not count on it.
  const current = repositories.map((name) =>
    renames.idOf(`${app.account}/${name}`) === undefined ? name : undefined,
  );
  const names = [...current, ...ids.map((id) => renames.nameOf(id)?.split("/")[1])];
  if (!names.every((name) => name !== undefined && covers(app, name)))
    return invalid(
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  const wanted = Object.entries(permissions ?? {});
  const has: Record<string, string | undefined> = granted(app);
  if (!wanted.every(([name, power]) => has[name] === "write" || has[name] === power))
    return invalid("The permissions requested are not granted to this installation.");
  const all = permissions === undefined;
  const token = tokens.mint(app, {
    scopes: names.length > 0 ? names.map((name) => `${app.account}/${name}`) : [app.account],
    ...(all ? {} : { narrowedTo: permissionNames.filter((name) => name in permissions) }),
    permission: powerOf(app, wanted),
  });
  const body: Schemas["installation-token"] = {
    token: token.value,
    expires_at: token.expiresAt,
    permissions: all ? granted(app) : { metadata: "read", ...permissions },
    repository_selection: names.length > 0 ? "selected" : "all",
  };
  return { status: 201, json: body };
}

function powerOf({ permission = "write" }: App, wanted: [string, string][]): Permission {
  return wanted.length > 0 && wanted.every(([, power]) => power === "read") ? "read" : permission;
}

function covers({ repositories }: App, name: string): boolean {
  return repositories === undefined || repositories.some((each) => sameName(each, name));
}

function granted({ permission = "write" }: App): Schemas["app-permissions"] {
  if (permission === "none") return { metadata: "read" };
  return { metadata: "read", administration: permission, organization_self_hosted_runners: permission };
}
