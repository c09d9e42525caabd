import { requiredString, type Values } from "../standIn";
import { type Client, unlessMissing } from "./client";

/** Every data source the stand-in answers, by token. */
export function functions(client: Client): Record<string, (args: Values) => Promise<Values>> {
  return {
    "github:index/getRepository:getRepository": (args) => getRepository(client, args),
    "github:index/getUser:getUser": (args) => getUser(client, args),
    "github:index/getTeam:getTeam": (args) => getTeam(client, args),
  };
}

/** Empty for a repository that GitHub does not show, as from the real provider. */
async function getRepository({ request }: Client, args: Values): Promise<Values> {
  const [owner = "", repo = ""] = requiredString(args, "fullName").split("/");
  const answer = await unlessMissing(request("GET /repos/{owner}/{repo}", { owner, repo }));
  if (!answer) return {};
  const { id, name, full_name: fullName, private: isPrivate, visibility } = answer.data;
  return { id: name, name, fullName, repoId: id, private: isPrivate, visibility };
}

async function getUser({ request }: Client, args: Values): Promise<Values> {
  const username = requiredString(args, "username");
  const { data } = await request("GET /users/{username}", { username });
  return { id: String(data.id), username, login: data.login };
}

async function getTeam({ owner, request }: Client, args: Values): Promise<Values> {
  const slug = requiredString(args, "slug");
  const { data } = await request("GET /orgs/{org}/teams/{team_slug}", { org: owner, team_slug: slug });
  return { id: String(data.id), slug, name: data.name, summaryOnly: args.summaryOnly ?? false };
}
