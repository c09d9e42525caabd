import assert from "node:assert/strict";
import fc from "fast-check";
import {
  explainAnswer,
  parseTokenExpiration,
  permissionsInWords,
  secondsToWait,
  unexpectedAnswer,
} from "../../../runner-image/broker/githubAnswers";

const NOW = Date.UTC(2026, 0);
const question = {
  route: "POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig",
  scope: "repository acme/workflows",
  credential: "token" as "token" | "app",
};
const page = "<html><head><title>Sign in to Acme</title></head>secret-in-a-page</html>";

function explain(status: number, headers: Record<string, string> = {}, body: unknown = {}) {
  const message = typeof body === "string" && !body.startsWith("<") ? { message: body } : body;
  return explainAnswer({ status, headers, body: message }, question, NOW);
}

describe("a failed answer of GitHub", () => {
  const kinds: [number, string][] = [
    [302, "redirected"],
    [400, "invalid"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "not-found"],
    [409, "conflict"],
    [422, "invalid"],
    [429, "rate-limited"],
    [500, "unavailable"],
    [503, "unavailable"],
  ];
  for (const [status, kind] of kinds) {
    it(`with status ${status} is ${kind}, and says so with the call and GitHub's own words`, () => {
      const error = explain(status, {}, "Something");
      assert.equal(error.kind, kind);
      assert.equal(error.status, status);
      const start = `GitHub answered ${status} to ${question.route}. GitHub says: "Something".`;
      assert.ok(error.message.startsWith(start), error.message);
    });
  }

  it("may have done what was asked when it failed by itself, and did not when it refused", () => {
    for (const [status] of kinds) assert.equal(explain(status).mayHaveHadEffect, status >= 500, `${status}`);
  });

  it("with 401 asks for another token, or wonders where the App is", () => {
    assert.match(explain(401).message, /put a new one into the SSM parameter/);
    const answer = { status: 401, headers: {}, body: {} };
    const { message } = explainAnswer(answer, { ...question, credential: "app" });
    assert.match(message, /refuses the installation token .* was the App uninstalled or deleted\?/);
  });

  it("keeps the request id for a question to GitHub's support", () => {
    assert.equal(explain(500, { "x-github-request-id": "ABCD:1" }).requestId, "ABCD:1");
    assert.equal(explain(200, { "x-github-request-id": "ABCD:1" }).requestId, "ABCD:1");
  });

  describe("403", () => {
    const forbidden = (headers: Record<string, string>, message = "Resource not accessible") =>
      explain(403, headers, message).message;

    it("names the permission that GitHub would accept as GitHub's pages do", () => {
      assert.match(
        forbidden({ "x-accepted-github-permissions": "administration=write" }),
        /it needs "Administration: write"\. Grant it in the token's settings/,
      );
    });

    it("says which permissions there are where GitHub does not", () => {
      assert.match(
        forbidden({}),
        /"Administration: write" on the repository or "Self-hosted runners: write"/,
      );
    });

    it("tells single sign-on, an IP allow list and a suspended App from a missing permission", () => {
      assert.match(forbidden({ "x-github-sso": "required; url=https://x" }), /single sign-on/);
      const list =
        "the `acme` organization has an IP allow list enabled, and your IP address is not permitted";
      assert.match(forbidden({}, list), /allowedAddresses/);
      assert.match(forbidden({}, "This installation has been suspended"), /owner .* can unsuspend it/);
      assert.doesNotMatch(forbidden({}, "Runners cannot be added to this group"), /lacks a permission/);
    });

    it("tells an App's administrator about both halves of granting", () => {
      const headers = { "x-accepted-github-permissions": "administration=write" };
      const answer = { status: 403, headers, body: {} };
      const { message } = explainAnswer(answer, { ...question, credential: "app" });
      assert.match(message, /The App lacks .* let an owner accept it/);
    });
  });

  describe("to slow down", () => {
    it("waits for the reset when nothing remains", () => {
      const reset = String(NOW / 1000 + 120);
      const error = explain(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset });
      assert.equal(error.kind, "rate-limited");
      assert.equal(error.retryAfterSeconds, 121);
      assert.match(error.message, /used up; waiting 121 s/);
    });

    it("takes the reset by GitHub's clock, whatever the Pod's says", () => {
      const headers = {
        date: new Date(NOW + 600_000).toUTCString(),
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": String(NOW / 1000 + 630),
      };
      assert.equal(explain(429, headers).retryAfterSeconds, 31);
    });

    it("waits as long as a secondary limit asks, or a minute", () => {
      assert.equal(explain(403, {}, "You have exceeded a secondary rate limit").retryAfterSeconds, 60);
      assert.equal(explain(429, {}, "secondary rate limit").retryAfterSeconds, 60);
      assert.equal(explain(403, { "retry-after": "7" }, "secondary rate limit").retryAfterSeconds, 7);
    });

    it("understands a date as well", () => {
      const headers = { "retry-after": new Date(NOW + 90_000).toUTCString() };
      assert.equal(secondsToWait(headers, NOW), 90);
    });

    it("never waits less than nothing or more than an hour", () => {
      fc.assert(
        fc.property(fc.oneof(fc.integer(), fc.double(), fc.string()), (value) => {
          for (const headers of [
            { "retry-after": String(value) },
            { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(value) },
          ]) {
            const seconds = secondsToWait(headers, NOW);
            assert.ok(seconds === undefined || (seconds >= 0 && seconds <= 3600), `${seconds}`);
          }
        }),
      );
    });
  });

  describe("that is a redirect", () => {
    it("names the host and the path, and nothing of a query", () => {
      const { message } = explain(302, { location: "https://login.example.com/start?token=abc" });
      assert.match(message, /https:\/\/login\.example\.com\/start, where the credential is not sent/);
      assert.doesNotMatch(message, /abc/);
    });

    it("without a place is told as such", () => {
      assert.match(explain(302).message, /does not say where to/);
    });
  });

  describe("that is not GitHub's", () => {
    const html = { "content-type": "text/html; charset=utf-8" };

    for (const status of [200, 201, 401, 403, 404, 422]) {
      it(`is told from GitHub's by its page, with status ${status}`, () => {
        const error = explain(status, html, page);
        assert.equal(error.kind, "unexpected");
        assert.match(error.message, /text\/html, "Sign in to Acme"/);
        assert.doesNotMatch(error.message, /secret-in-a-page/);
        assert.equal(error.mayHaveHadEffect, status < 300);
      });
    }

    it("is GitHub's trouble with status 5xx, page or not", () => {
      assert.equal(explain(502, html, page).kind, "unavailable");
    });

    it("shows nothing of a body of another shape or type", () => {
      const bodies = ['{"encoded_jit_config":"c2VjcmV0"}', { encoded_jit_config: "c2VjcmV0" }, ["c2VjcmV0"]];
      for (const body of bodies) {
        const error = unexpectedAnswer({ status: 201, headers: {}, body }, question, "a runner");
        assert.doesNotMatch(error.message, /c2VjcmV0/);
        assert.equal(error.mayHaveHadEffect, true);
      }
    });

    it("may be empty", () => {
      const { message } = unexpectedAnswer({ status: 201, headers: {}, body: "" }, question, "a runner");
      assert.match(message, /status 201, an empty body\).*instead of a runner/);
    });
  });
});

describe("permissions in words", () => {
  const words: [string, string][] = [
    ["administration=write", '"Administration: write"'],
    ["organization_self_hosted_runners=read", '"Self-hosted runners: read" on the organization'],
    ["contents=read,pages=write; issues=read", '"Contents: read" and "Pages: write", or "Issues: read"'],
  ];
  for (const [header, expected] of words) {
    it(`say ${expected} for ${header}`, () => assert.equal(permissionsInWords(header), expected));
  }
});

describe("the token's expiration header", () => {
  it("is read in both of GitHub's forms", () => {
    assert.equal(parseTokenExpiration("2026-12-01 00:00:00 UTC"), Date.UTC(2026, 11, 1));
    assert.equal(parseTokenExpiration("2026-12-01 09:00:00 +0900"), Date.UTC(2026, 11, 1));
  });

  it("is left out when it is no date", () => {
    assert.equal(parseTokenExpiration("never"), undefined);
    assert.equal(parseTokenExpiration(undefined), undefined);
  });
});
