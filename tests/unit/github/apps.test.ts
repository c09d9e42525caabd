import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { type App, type GitHub, startGitHub } from "../../../local/github/server";
import { call, silent } from "../../runtime/github/support";

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
  const app: App = { appId: 7, installationId: 70, account: "acme", publicKey };
  const jwt = (claims: object) => {
    const now = Math.floor(Date.now() / 1000);
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${encode({ alg: "RS256" })}.${encode({ iss: 7, iat: now - 30, exp: now + 300, ...claims })}`;
    return `${text}.${sign("RSA-SHA256", Buffer.from(text), privateKey).toString("base64url")}`;
  };

  beforeEach(async () => {
    github = await startGitHub({ apps: [app] });
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

  it("are refused when signed by another key, and not found when they do not exist", async () => {
    const client = await octokit(pem().privateKey);
    await assert.rejects(client.request(`GET ${runners}`), { status: 401 });
    github.putApp({ appId: 8, installationId: 80, account: "acme", publicKey });
    const { status, data } = await call(github, "GET /app", {}, jwt({ iss: 9 }));
    assert.deepEqual([status, data.message], [404, "Integration not found"]);
  });

  it("are found by their client ID too", async () => {
    github.putApp({ ...app, clientId: "Iv1.0123456789abcdef" });
    const { status } = await call(
      github,
      "GET /orgs/acme/installation",
      {},
      jwt({ iss: "Iv1.0123456789abcdef" }),
    );
    assert.equal(status, 200);
  });

  describe("signed with a clock that is wrong", () => {
    const now = () => Math.floor(Date.now() / 1000);
    const wrong: [string, () => { iat: number; exp: number }, RegExp][] = [
      ["over", () => ({ iat: now() - 700, exp: now() - 60 }), /^'Expiration time' .* future time at which/],
      [
        "too long",
        () => ({ iat: now() - 60, exp: now() + 660 }),
        /^'Expiration time' .* too far in the future/,
      ],
      ["not begun", () => ({ iat: now() + 60, exp: now() + 500 }), /^'Issued at' claim \('iat'\) must be/],
    ];
    for (const [what, claims, message] of wrong)
      it(`are refused in GitHub's words when they are ${what}, with GitHub's time`, async () => {
        const { status, data, headers } = await call(
          github,
          "GET /orgs/acme/installation",
          {},
          jwt(claims()),
        );
        assert.equal(status, 401);
        assert.match(data.message, message);
        assert.ok(Math.abs(Date.parse(String(headers.date)) - Date.now()) < 2000);
      });

    it("are told the time of the server's clock", async () => {
      github.advanceClock(-3_600_000);
      const { headers } = await call(github, "GET /orgs/acme/installation", {}, jwt({}));
      const behind = Date.now() - Date.parse(String(headers.date));
      assert.ok(Math.abs(behind - 3_600_000) < 2000, `${behind}`);
    });
  });

  describe("ask for a token", () => {
    const ask = (body: object) =>
      call(github, "POST /app/installations/70/access_tokens", body as Record<string, unknown>, jwt({}));
    const statuses = async (token: string, ...paths: string[]) =>
      Promise.all(paths.map(async (path) => (await call(github, path, {}, token)).status));

    it("that has the repositories and permissions it asked for, and no others", async () => {
      const { data } = await ask({ repositories: ["etl"], permissions: { administration: "write" } });
      assert.deepEqual(data.permissions, { metadata: "read", administration: "write" });
      const other = "/repos/acme/web/actions/runners";
      const organization = "/orgs/acme/actions/runners";
      const seen = await statuses(data.token, `GET ${runners}`, `GET ${other}`, `GET ${organization}`);
      assert.deepEqual(seen, [200, 404, 404]);
    });

    it("that may read where it asked for no more", async () => {
      const { data } = await ask({ permissions: { administration: "read" } });
      const generate = await call(github, `POST ${runners}/generate-jitconfig`, request, data.token);
      assert.equal(generate.status, 403);
      assert.equal(generate.data.message, "Resource not accessible by integration");
      assert.deepEqual(await statuses(data.token, `GET ${runners}`), [200]);
    });

    it("and are refused more than they were granted", async () => {
      github.putApp({ ...app, permission: "read", repositories: ["etl"] });
      const permissions = await ask({ permissions: { administration: "write" } });
      assert.equal(permissions.status, 422);
      assert.match(permissions.data.message, /not granted to this installation/);
      const repositories = await ask({ repositories: ["web"] });
      assert.equal(repositories.status, 422);
      assert.match(repositories.data.message, /not accessible to the parent installation/);
    });

    it("and get none while suspended, nor may tokens be used that they have", async () => {
      const { data } = await ask({});
      github.putApp({ ...app, suspendedAt: "2026-01-01T00:00:00Z" });
      assert.equal((await ask({})).status, 403);
      assert.deepEqual(await statuses(data.token, `GET ${runners}`), [403]);
      const found = await call(github, "GET /orgs/acme/installation", {}, jwt({}));
      assert.equal(found.data.suspended_at, "2026-01-01T00:00:00Z");
      github.putApp(app);
      assert.deepEqual(await statuses(data.token, `GET ${runners}`), [200]);
    });
  });
});
