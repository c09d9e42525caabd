import assert from "node:assert/strict";
import { type GitHub, startGitHub } from "../../../local/github/server";
import { call, register } from "../../runtime/github/support";

const hour = 60 * 60 * 1000;
const runners = "/repos/acme/etl/actions/runners";
const request = { name: "runner-1", runner_group_id: 1, labels: ["self-hosted", "digdag"] };

describe("GitHub stand-in: REST API", () => {
  let github: GitHub;

  beforeEach(async () => {
    github = await startGitHub({
      tokens: [
        { value: "admin", scopes: ["acme", "*"] },
        { value: "other", scopes: ["elsewhere"] },
        { value: "reader", scopes: ["acme/etl", "acme"], permission: "read" },
        { value: "nobody", scopes: ["acme/etl"], permission: "none" },
        { value: "mortal", scopes: ["*"], expiresAt: new Date(Date.now() + hour).toISOString() },
      ],
      rateLimit: 10,
    });
  });
  afterEach(() => github.close());

  const as =
    (token: string | null) =>
    (route: string, parameters: Record<string, unknown> = {}) =>
      call(github, route, parameters, token);
  const admin = (route: string, parameters?: Record<string, unknown>) => as("admin")(route, parameters);
  const generate = (parameters: Record<string, unknown>, token = "admin") =>
    as(token)(`POST ${runners}/generate-jitconfig`, parameters);

  describe("generate-jitconfig", () => {
    it("answers 201 with an offline runner that exists at once", async () => {
      const { status, data } = await generate(request);
      assert.equal(status, 201);
      assert.deepEqual(data.runner, {
        id: data.runner.id,
        name: "runner-1",
        os: "unknown",
        status: "offline",
        busy: false,
        labels: [
          { id: 1, name: "self-hosted", type: "custom" },
          { id: 2, name: "digdag", type: "custom" },
        ],
        runner_group_id: 1,
        ephemeral: true,
        version: null,
      });
      assert.deepEqual((await admin(`GET ${runners}/${data.runner.id}`)).data, data.runner);
    });

    it("encodes the runner's files as base64 of JSON of base64", async () => {
      const { data } = await generate(request);
      const files = JSON.parse(Buffer.from(data.encoded_jit_config, "base64").toString());
      assert.deepEqual(Object.keys(files), [".runner", ".credentials", ".credentials_rsaparams"]);
      const runner = JSON.parse(Buffer.from(files[".runner"], "base64").toString());
      assert.equal(runner.AgentName, "runner-1");
      assert.equal(runner.ServerUrl, github.apiUrl);
      assert.equal(runner.WorkFolder, "_work");
    });

    it("names the public URL in the configuration, not its own address", async () => {
      const behind = await startGitHub({ publicUrl: "https://github.com" });
      try {
        const { jit } = await register(behind);
        const files = JSON.parse(Buffer.from(jit, "base64").toString());
        const runner = JSON.parse(Buffer.from(files[".runner"], "base64").toString());
        assert.equal(runner.ServerUrl, "https://github.com");
        assert.equal(runner.GitHubUrl, "https://github.com/acme/etl");
      } finally {
        await behind.close();
      }
    });

    it("answers 409 for a name in use, whatever its case, and registers no second runner", async () => {
      await generate(request);
      const { status, data } = await generate({ ...request, name: "Runner-1" });
      assert.equal(status, 409);
      assert.match(data.message, /already exists/);
      assert.equal((await admin(`GET ${runners}`)).data.total_count, 1);
    });

    it("allows the same name in another repository", async () => {
      await generate(request);
      assert.equal(
        (await admin("POST /repos/acme/web/actions/runners/generate-jitconfig", request)).status,
        201,
      );
    });

    const wrong: [string, Record<string, unknown>, number][] = [
      ["422 without runner_group_id", { name: "a", labels: ["a"] }, 422],
      ["422 without labels", { name: "a", runner_group_id: 1 }, 422],
      ["422 for no label", { ...request, labels: [] }, 422],
      ["422 for 101 labels", { ...request, labels: Array.from({ length: 101 }, (_, at) => `l${at}`) }, 422],
      ["422 without a name", { runner_group_id: 1, labels: ["a"] }, 422],
      ["403 for GitHub's own group 2", { ...request, runner_group_id: 2 }, 403],
      ["404 for an unknown group", { ...request, runner_group_id: 99 }, 404],
    ];
    for (const [rule, body, status] of wrong)
      it(`answers ${rule} and registers nothing`, async () => {
        const answer = await generate(body);
        assert.equal(answer.status, status);
        assert.equal(typeof answer.data.message, "string");
        assert.equal(typeof answer.data.documentation_url, "string");
        assert.deepEqual(github.runners(), []);
      });

    it("accepts 100 labels", async () => {
      const labels = Array.from({ length: 100 }, (_, at) => `l${at}`);
      assert.equal((await generate({ ...request, labels })).status, 201);
    });

    it("registers for an organization too", async () => {
      const { status, data } = await admin("POST /orgs/acme/actions/runners/generate-jitconfig", request);
      assert.equal(status, 201);
      assert.equal((await admin(`GET /orgs/acme/actions/runners/${data.runner.id}`)).status, 200);
      assert.equal((await admin(`GET ${runners}/${data.runner.id}`)).status, 404);
    });
  });

  describe("runners", () => {
    it("are listed in pages with GitHub's Link header", async () => {
      for (const name of ["a", "b", "c"]) await generate({ ...request, name });
      const first = await admin(`GET ${runners}?per_page=2`);
      assert.equal(first.data.total_count, 3);
      assert.deepEqual(names(first.data), ["a", "b"]);
      assert.equal(
        first.headers.link,
        `<${github.apiUrl}${runners}?per_page=2&page=2>; rel="next", <${github.apiUrl}${runners}?per_page=2&page=2>; rel="last"`,
      );
      const last = await admin(`GET ${runners}?per_page=2&page=2`);
      assert.deepEqual(names(last.data), ["c"]);
      assert.match(String(last.headers.link), /page=1>; rel="prev"/);
      assert.doesNotMatch(String(last.headers.link), /rel="next"/);
    });

    it("have no Link header when one page is enough", async () => {
      await generate(request);
      assert.equal((await admin(`GET ${runners}`)).headers.link, undefined);
    });

    it("are found by exact name only", async () => {
      for (const name of ["pool-1", "pool-12"]) await generate({ ...request, name });
      const { data } = await admin(`GET ${runners}?name=pool-1`);
      assert.deepEqual(names(data), ["pool-1"]);
      assert.equal(data.total_count, 1);
    });

    it("answer 204 to DELETE once, then 404", async () => {
      const { data } = await generate(request);
      const path = `${runners}/${data.runner.id}`;
      assert.equal((await admin(`DELETE ${path}`)).status, 204);
      assert.equal((await admin(`DELETE ${path}`)).status, 404);
      assert.equal((await admin(`GET ${path}`)).status, 404);
    });

    it("disappear after a day offline", async () => {
      await generate(request);
      github.advanceClock(24 * hour - 60_000);
      assert.equal(github.runners().length, 1);
      github.advanceClock(2 * 60_000);
      assert.equal(github.runners().length, 0);
    });
  });

  describe("runner groups", () => {
    it("are listed for an organization, in pages", async () => {
      github.putRunnerGroups([
        { id: 1, name: "Default" },
        { id: 5, name: "prd" },
      ]);
      const { data, headers } = await admin("GET /orgs/acme/actions/runner-groups?per_page=1&page=2");
      assert.equal(data.total_count, 2);
      assert.deepEqual(
        data.runner_groups.map((group: { id: number; name: string }) => [group.id, group.name]),
        [[5, "prd"]],
      );
      assert.match(String(headers.link), /rel="prev"/);
      assert.equal((await generate({ ...request, runner_group_id: 5 })).status, 201);
    });

    it("do not exist for a repository, and need a permission", async () => {
      assert.equal((await admin("GET /repos/acme/etl/actions/runner-groups")).status, 404);
      const answer = await as("reader")("GET /orgs/acme/actions/runner-groups");
      assert.equal(answer.status, 200);
    });
  });

  describe("downloads", () => {
    it("name the newest runner for every platform", async () => {
      const { data } = await admin(`GET ${runners}/downloads`);
      const linux = data.find(
        ({ os, architecture }: Record<string, string>) => os === "linux" && architecture === "arm64",
      );
      assert.equal(linux.filename, "actions-runner-linux-arm64-2.337.0.tar.gz");
      assert.match(linux.download_url, /v2\.337\.0\/actions-runner-linux-arm64-2\.337\.0\.tar\.gz$/);
    });
  });

  describe("a repository that was renamed", () => {
    const send = (method: string, path: string, token = "admin") =>
      fetch(`${github.apiUrl}${path}`, {
        method,
        redirect: "manual",
        headers: { authorization: `Bearer ${token}` },
      });

    it("is redirected to by its id: 301 for GET, 307 for what must not become GET", async () => {
      const { data } = await generate(request);
      github.renameRepository("acme/etl", "acme/pipelines");
      const moved = await send("GET", `${runners}?per_page=5`);
      assert.equal(moved.status, 301);
      const location = moved.headers.get("location") ?? "";
      assert.match(location, /\/repositories\/\d+\/actions\/runners\?per_page=5$/);
      assert.equal((await send("POST", `${runners}/generate-jitconfig`)).status, 307);
      const id = /repositories\/(\d+)/.exec(location)?.[1];
      assert.equal((await admin(`GET /repositories/${id}`)).data.full_name, "acme/pipelines");
      const list = (await admin(`GET /repositories/${id}/actions/runners`)).data.runners;
      assert.deepEqual(names({ runners: list }), ["runner-1"]);
      assert.equal((await admin(`GET /repos/acme/pipelines/actions/runners/${data.runner.id}`)).status, 200);
    });

    it("is not betrayed to who may not see it", async () => {
      github.renameRepository("acme/etl", "acme/pipelines");
      assert.equal((await send("GET", runners, "other")).status, 404);
    });
  });

  describe("below /api/v3", () => {
    it("answers there and nowhere else, and links to there", async () => {
      const enterprise = await startGitHub({ apiPath: "/api/v3" });
      try {
        assert.match(enterprise.apiUrl, /\/api\/v3$/);
        for (const name of ["a", "b"]) await register(enterprise, name);
        const { headers, data } = await call(enterprise, `GET ${runners}?per_page=1`);
        assert.equal(data.total_count, 2);
        assert.ok(String(headers.link).startsWith(`<${enterprise.apiUrl}${runners}?`));
        const outside = await fetch(new URL(runners, enterprise.apiUrl));
        assert.equal(outside.status, 404);
      } finally {
        await enterprise.close();
      }
    });
  });

  describe("tokens", () => {
    it("are required: 401", async () => {
      const answer = await as(null)(`GET ${runners}`);
      assert.equal(answer.status, 401);
      assert.equal(answer.data.message, "Requires authentication");
    });

    it("answer 401 Bad credentials when unknown or revoked", async () => {
      assert.equal((await as("stranger")(`GET ${runners}`)).data.message, "Bad credentials");
      github.revokeToken("admin");
      assert.equal((await admin(`GET ${runners}`)).status, 401);
    });

    it("announce their expiry in GitHub's format and answer 401 afterwards", async () => {
      const before = await as("mortal")(`GET ${runners}`);
      assert.match(
        String(before.headers["github-authentication-token-expiration"]),
        /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
      );
      github.advanceClock(hour + 1);
      assert.equal((await as("mortal")(`GET ${runners}`)).status, 401);
    });

    it("without expiry have no expiry header", async () => {
      assert.equal(
        (await admin(`GET ${runners}`)).headers["github-authentication-token-expiration"],
        undefined,
      );
    });

    it("answer 404 outside their scope, as if there were nothing", async () => {
      assert.equal((await generate(request, "other")).status, 404);
    });

    it("answer 403 with the missing permission", async () => {
      const write = await generate(request, "reader");
      assert.equal(write.status, 403);
      assert.equal(write.headers["x-accepted-github-permissions"], "administration=write");
      const organization = await as("reader")("POST /orgs/acme/actions/runners/generate-jitconfig", request);
      assert.equal(
        organization.headers["x-accepted-github-permissions"],
        "organization_self_hosted_runners=write",
      );
      assert.equal((await as("reader")(`GET ${runners}`)).status, 200);
      const read = await as("nobody")(`GET ${runners}`);
      assert.equal(read.status, 403);
      assert.equal(read.headers["x-accepted-github-permissions"], "administration=read");
    });
  });

  describe("rate limit", () => {
    it("counts down in headers and in /rate_limit, which costs nothing", async () => {
      const { headers } = await admin(`GET ${runners}`);
      assert.equal(headers["x-ratelimit-limit"], "10");
      assert.equal(headers["x-ratelimit-remaining"], "9");
      assert.equal(headers["x-ratelimit-resource"], "core");
      for (let at = 0; at < 2; at++) {
        const { data } = await admin("GET /rate_limit");
        assert.equal(data.resources.core.remaining, 9);
        assert.deepEqual(data.rate, data.resources.core);
      }
    });

    it("answers 403 with nothing remaining until an hour is over", async () => {
      for (let at = 0; at < 10; at++) await admin(`GET ${runners}`);
      const refused = await admin(`GET ${runners}`);
      assert.equal(refused.status, 403);
      assert.equal(refused.headers["x-ratelimit-remaining"], "0");
      assert.match(refused.data.message, /rate limit exceeded/);
      github.advanceClock(hour + 1000);
      assert.equal((await admin(`GET ${runners}`)).status, 200);
    });

    it("counts JIT configurations on their own", async () => {
      const { headers } = await generate(request);
      assert.equal(headers["x-ratelimit-resource"], "actions_runner_registration");
      assert.equal((await admin("GET /rate_limit")).data.resources.core.remaining, 10);
    });
  });

  describe("every answer", () => {
    it("has a request id of its own, errors too", async () => {
      const ids = [await admin(`GET ${runners}`), await as("stranger")(`GET ${runners}`)].map(
        ({ headers }) => headers["x-github-request-id"],
      );
      assert.equal(typeof ids[0], "string");
      assert.equal(new Set(ids).size, 2);
    });

    it("to an unknown path is 404", async () => {
      assert.equal((await admin("GET /repos/acme/etl/actions/nothing")).status, 404);
    });

    it("to /meta needs no token", async () => {
      assert.equal((await as(null)("GET /meta")).status, 200);
    });
  });
});

function names(list: { runners: { name: string }[] }): string[] {
  return list.runners.map(({ name }) => name);
}
