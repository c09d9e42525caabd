import assert from "node:assert/strict";
import { explainSilence, proxyOf, redirectTarget } from "../../../runner-image/broker/githubFetch";

const API = "https://ghe.example.com/api/v3";
const question = { route: "GET /x", scope: "organization acme", credential: "token" as const };

describe("a redirect of GitHub's API", () => {
  const follow = (location: string | null, status = 301) =>
    redirectTarget(API, `${API}/repos/acme/old/actions/runners`, status, location);

  it("is followed to another address of the same API, absolute or relative, with its query", () => {
    const target = `${API}/repositories/1/actions/runners?page=2`;
    for (const status of [301, 302, 307, 308]) assert.equal(follow(target, status), target);
    assert.equal(follow("/api/v3/repositories/1/actions/runners?page=2"), target);
  });

  const elsewhere = [
    "https://evil.example.com/api/v3/repositories/1",
    "https://ghe.example.com.evil.example.com/api/v3/x",
    "https://user@evil.example.com/api/v3/x",
    "//evil.example.com/api/v3/x",
    "http://ghe.example.com/api/v3/x",
    "https://ghe.example.com:8443/api/v3/x",
    "https://ghe.example.com/login?return_to=/api/v3/x",
    "https://ghe.example.com/api/v3/../../login",
    "https://ghe.example.com/api/v33/x",
    "https://[",
    null,
  ];
  for (const location of elsewhere) {
    it(`is not followed to ${location}`, () => assert.equal(follow(location), undefined));
  }

  it("is none with another status", () => {
    for (const status of [200, 300, 303, 304, 404]) assert.equal(follow(`${API}/x`, status), undefined);
  });

  it("stays in the API of github.com as well", () => {
    const api = "https://api.github.com";
    assert.equal(redirectTarget(api, `${api}/a`, 307, `${api}/b`), `${api}/b`);
    assert.equal(redirectTarget(api, `${api}/a`, 307, "https://api.github.com.evil.example/b"), undefined);
  });
});

describe("the proxy for GitHub", () => {
  it("is the one for the scheme, in lower case before upper case", () => {
    const env = { https_proxy: "http://a:1", HTTPS_PROXY: "http://b:1", HTTP_PROXY: "http://c:1" };
    assert.equal(proxyOf("https://api.github.com", env), "http://a:1");
    assert.equal(proxyOf("http://127.0.0.1", env), "http://c:1");
    assert.equal(proxyOf("https://api.github.com", {}), undefined);
  });

  it("is named without user name and password", () => {
    const env = { HTTPS_PROXY: "http://user:secret@proxy.example.com:3128" };
    assert.equal(proxyOf("https://api.github.com", env), "http://proxy.example.com:3128");
  });
});

describe("a call without an answer", () => {
  const failed = (code: string, message = code) =>
    new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) });

  const certain = ["ECONNREFUSED", "ENOTFOUND", "UND_ERR_CONNECT_TIMEOUT", "SELF_SIGNED_CERT_IN_CHAIN"];
  for (const code of certain) {
    it(`had no effect after ${code}, because nothing was sent`, () => {
      const error = explainSilence(failed(code), question, undefined);
      assert.deepEqual([error.kind, error.mayHaveHadEffect], ["unreachable", false]);
      assert.match(error.message, new RegExp(`^No answer from GitHub to GET /x: ${code}\\.`));
    });
  }

  for (const code of ["ECONNRESET", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT"]) {
    it(`may have had its effect after ${code}`, () => {
      assert.equal(explainSilence(failed(code), question, undefined).mayHaveHadEffect, true);
    });
  }

  it("may have had its effect after the time limit, which is named", () => {
    const error = explainSilence(new DOMException("aborted", "TimeoutError"), question, undefined);
    assert.equal(error.mayHaveHadEffect, true);
    assert.match(error.message, /nothing came within 15 s/);
  });

  it("says which of several addresses failed first", () => {
    const several = new AggregateError([new Error("connect ECONNREFUSED ::1:443"), new Error("other")]);
    const error = explainSilence(new TypeError("fetch failed", { cause: several }), question, undefined);
    assert.match(error.message, /ECONNREFUSED ::1:443/);
  });

  it("names the proxy that does not connect, and that had no effect", () => {
    const refused = (status: number) => {
      const cause = new Error(`Proxy response (${status}) !== 200 when HTTP Tunneling`);
      return explainSilence(new TypeError("fetch failed", { cause }), question, "http://proxy:3128");
    };
    assert.match(refused(407).message, /the proxy http:\/\/proxy:3128 asks for a login \(407\)/);
    assert.match(refused(403).message, /the proxy http:\/\/proxy:3128 answered 403 instead of connecting/);
    assert.equal(refused(403).mayHaveHadEffect, false);
    const { message } = explainSilence(failed("ECONNREFUSED"), question, "http://proxy:3128");
    assert.match(message, /through the proxy http:\/\/proxy:3128/);
  });
});
