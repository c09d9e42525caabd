import assert from "node:assert/strict";
import { explainFailedAnswer, parseTokenExpiration } from "../../../runner-image/broker/githubErrors";

const CALL = "POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig";
const NOW = Date.UTC(2026, 0);

function explain(status: number, headers: Record<string, string> = {}, message?: string) {
  return explainFailedAnswer({ status, headers, message }, CALL, "repository acme/workflows", NOW);
}

describe("a failed answer of GitHub", () => {
  const kinds: [number, string][] = [
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
      assert.ok(error.message.startsWith(`GitHub answered ${status} to ${CALL}. GitHub says: "Something".`));
    });
  }

  it("with 403 names the permission that GitHub would accept", () => {
    assert.match(
      explain(403, { "x-accepted-github-permissions": "administration=write" }).message,
      /needs administration=write/,
    );
  });

  it("with 403 is a rate limit when nothing remains, and waits for the reset", () => {
    const reset = String(NOW / 1000 + 120);
    const error = explain(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset });
    assert.equal(error.kind, "rate-limited");
    assert.equal(error.retryAfterSeconds, 121);
  });

  it("with 403 is a secondary rate limit when GitHub says so in words, and waits as long as it asks", () => {
    assert.equal(explain(403, {}, "You have exceeded a secondary rate limit").retryAfterSeconds, 60);
    assert.equal(explain(403, { "retry-after": "7" }, "secondary rate limit").retryAfterSeconds, 7);
  });

  it("keeps the request id for a question to GitHub's support", () => {
    assert.equal(explain(500, { "x-github-request-id": "ABCD:1" }).requestId, "ABCD:1");
  });
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
