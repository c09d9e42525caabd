import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { type GitHub, startGitHub } from "../../../local/github/server";
import { silent } from "../../runtime/github/support";

const runners = "/repos/acme/etl/actions/runners";
const request = { name: "runner-1", runner_group_id: 1, labels: ["self-hosted", "digdag"] };

describe("GitHub stand-in: Apps", () => {
  let github: GitHub;
  const pem = () =>
    generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
  const { publicKey, privateKey } = pem();

  beforeEach(async () => {
    github = await startGitHub({ apps: [{ appId: 7, installationId: 70, account: "acme", publicKey }] });
  });
  afterEach(() => github.close());

  const octokit = async (key = privateKey) => {
    const [{ Octokit }, { createAppAuth }] = await Promise.all([
      import("@octokit/core"),
      import("@octokit/auth-app"),
    ]);
    return new Octokit({
      baseUrl: github.apiUrl,
      authStrategy: createAppAuth,
      auth: { appId: 7, privateKey: key, installationId: 70 },
      log: silent,
    });
  };

  it("exchange a signed JWT for an installation token that registers runners", async () => {
    const answer = await (await octokit()).request(`POST ${runners}/generate-jitconfig`, request);
    assert.equal(answer.status, 201);
  });

  it("reach only the account they are installed on", async () => {
    const path = "/repos/other/etl/actions/runners";
    await assert.rejects((await octokit()).request(`GET ${path}`), { status: 404 });
  });

  it("get tokens that expire after an hour", async () => {
    const client = await octokit();
    const { token } = (await client.auth({ type: "installation" })) as { token: string };
    const list = () => fetch(github.apiUrl + runners, { headers: { authorization: `Bearer ${token}` } });
    const fresh = await list();
    assert.equal(fresh.status, 200);
    assert.ok(fresh.headers.get("github-authentication-token-expiration"));
    github.advanceClock(60 * 60 * 1000 + 1);
    assert.equal((await list()).status, 401);
  });

  it("are found by the account they are installed on", async () => {
    const client = await octokit();
    const found = await client.request("GET /repos/{owner}/{repo}/installation", {
      owner: "acme",
      repo: "etl",
    });
    assert.equal(found.data.id, 70);
    await assert.rejects(client.request("GET /orgs/{org}/installation", { org: "other" }), { status: 404 });
  });

  it("are refused when signed by another key", async () => {
    const client = await octokit(pem().privateKey);
    await assert.rejects(client.request(`GET ${runners}`), { status: 401 });
  });
});
