import assert from "node:assert/strict";
import fc from "fast-check";
import { validate } from "../../../components/configValidation";
import { githubApiUrlProblem } from "../../../components/githubApiUrl";
import { proxyVariables } from "../../../components/proxy";
import { type Changes, mended, onlyProblem, raw, valid } from "./configFixture";

describe("the configuration of GitHub and the way to it", () => {
  describe("of the credential", () => {
    const asToken = { githubTokenParameter: "/token" };
    const asApp = { githubAppId: "123456", githubAppParameter: "/app" };
    const none = { githubTokenParameter: undefined };

    it("is a token or an App", () => {
      const token = valid(asToken);
      assert.deepEqual(
        [token.githubTokenParameter, token.githubAppId, token.githubAppParameter],
        ["/token", undefined, undefined],
      );
      const app = valid({ ...none, ...asApp });
      assert.deepEqual(
        [app.githubTokenParameter, app.githubAppId, app.githubAppParameter],
        [undefined, "123456", "/app"],
      );
    });

    it("is where people put an App's key unless another parameter is named", () => {
      const { githubAppParameter } = valid({ ...none, githubAppId: "123456" });
      assert.equal(githubAppParameter, "/digdag-runner/stg/github-app");
    });

    const mixes: [string, Changes, RegExp][] = [
      ["none", none, /^githubAppId is not set, nor is githubTokenParameter/],
      [
        "a key without its App",
        { ...none, githubAppParameter: "/a" },
        /^githubAppId is not set, but githubAppParameter is/,
      ],
      ["both", { ...asToken, ...asApp }, /^githubAppId and githubTokenParameter are both set/],
      ["a token and an App ID", { ...asToken, githubAppId: "1" }, /^githubAppId and githubTokenParameter/],
      ["a token and a key", { ...asToken, githubAppParameter: "/a" }, /^githubAppParameter and githubToken/],
    ];
    for (const [what, changes, reason] of mixes) {
      it(`is refused as ${what}, with a command that mends it`, () => {
        const problem = onlyProblem(changes);
        assert.match(`${problem.key} ${problem.reason}`, reason);
        valid({ ...changes, ...mended(problem.command) });
      });
    }

    it("is complete in exactly one way, whatever is set", () => {
      const key = (name: string) => fc.constantFrom(undefined, name);
      fc.assert(
        fc.property(
          key("/t"),
          key("1"),
          key("/a"),
          (githubTokenParameter, githubAppId, githubAppParameter) => {
            const changes = { githubTokenParameter, githubAppId, githubAppParameter };
            const set = Object.values(changes).map((value) => value !== undefined);
            const fine = ["true,false,false", "false,true,true", "false,true,false"].includes(set.join());
            const { config, problems } = validate(raw(changes));
            assert.equal(config !== undefined, fine);
            assert.equal(problems?.length ?? 0, fine ? 0 : 1);
          },
        ),
      );
    });

    it("names the App by its ID or client ID", () => {
      for (const githubAppId of ["1", "123456", "Iv1.0123456789abcdef", "Iv23liAbCdEfGhIjKlMn"])
        valid({ ...none, ...asApp, githubAppId });
      for (const githubAppId of ["0", "12a", "my-app", "Iv", "123 456", "-----BEGIN RSA PRIVATE KEY-----"]) {
        const problem = onlyProblem({ ...none, ...asApp, githubAppId });
        assert.match(problem.reason, /must be an App ID/);
        assert.doesNotMatch(problem.reason, /PRIVATE/);
      }
    });

    it("may be a parameter of another account, by ARN", () => {
      const arn = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/digdag-runner/stg/github-token";
      assert.equal(valid({ githubTokenParameter: arn }).githubTokenParameter, arn);
    });

    for (const wrong of [
      "arn:aws:ssm:ap-northeast-1:12345:parameter/x",
      "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x",
      "/a//b",
      "/a b",
    ]) {
      it(`refuses the parameter name ${wrong}`, () => {
        assert.match(onlyProblem({ githubTokenParameter: wrong }).reason, /must be/);
      });
    }

    it("is never shown when it was put where its name belongs", () => {
      for (const secret of ["-----BEGIN RSA PRIVATE KEY-----\nMIIE", "!hunter2!", `${"a".repeat(39)} `]) {
        assert.ok(!onlyProblem({ githubTokenParameter: secret }).reason.includes(secret), secret);
      }
    });
  });

  describe("of the API's URL", () => {
    const apis: [string, string][] = [
      ["https://api.github.com", "https://api.github.com"],
      ["https://github.com", "https://api.github.com"],
      ["https://github.com/my-org/my-workflows", "https://api.github.com"],
      ["https://www.github.com/", "https://api.github.com"],
      ["https://api.github.com/api/v3", "https://api.github.com"],
      ["https://api.octo.ghe.com", "https://api.octo.ghe.com"],
      ["https://octo.ghe.com", "https://api.octo.ghe.com"],
      ["https://octo.ghe.com/api/v3", "https://api.octo.ghe.com"],
      ["https://ghe.example.com/api/v3", "https://ghe.example.com/api/v3"],
      ["https://ghe.example.com", "https://ghe.example.com/api/v3"],
      ["https://ghe.example.com/api", "https://ghe.example.com/api/v3"],
      ["https://ghe.example.com:8443/my-org", "https://ghe.example.com:8443/api/v3"],
      ["https://notgithub.com", "https://notgithub.com/api/v3"],
    ];
    for (const [url, right] of apis) {
      it(`takes ${url} for GitHub's API${url === right ? "" : `, and says ${right}`}`, () => {
        if (url === right) {
          assert.equal(valid({ githubApiUrl: url }).githubApiUrl, url);
          return;
        }
        const { reason } = onlyProblem({ githubApiUrl: url });
        assert.ok(reason.includes(`must be ${right} for `), reason);
        assert.equal(valid({ githubApiUrl: right }).githubApiUrl, right);
      });
    }

    it("says of every web address which API belongs to it, and accepts that", () => {
      fc.assert(
        fc.property(fc.domain(), fc.webPath(), (host, path) => {
          const problem = githubApiUrlProblem(`https://${host}${path}`);
          const right = /must be (https:\S+) for/.exec(problem ?? "")?.[1];
          assert.ok(problem === undefined || (right && githubApiUrlProblem(right) === undefined), problem);
        }),
        { numRuns: 30 }, // domains are slow to draw
      );
    });

    for (const wrong of [
      "http://ghe.example.com/api/v3",
      "ghe.example.com",
      "https://u:p@ghe.example.com/api/v3",
      "https://ghe.example.com/api/v3?x=1",
    ]) {
      it(`refuses the API ${wrong}`, () => {
        const { reason } = onlyProblem({ githubApiUrl: wrong });
        assert.match(reason, /must/);
        assert.doesNotMatch(reason, /u:p/);
      });
    }
  });

  describe("of a proxy", () => {
    const proxy = { httpsProxy: "http://proxy.example.com:3128" };

    it("is a host and a port, and hosts that are reached without it", () => {
      const noProxy = [".internal.example.com", "10.0.0.1", "registry.example.com"];
      const config = valid({ httpsProxy: "http://proxy.example.com:3128/", noProxy });
      assert.equal(config.httpsProxy, "http://proxy.example.com:3128");
      assert.deepEqual(config.noProxy, noProxy);
      assert.equal(valid({ httpsProxy: "http://10.0.0.1:80" }).httpsProxy, "http://10.0.0.1:80");
    });

    const wrong: [string, RegExp][] = [
      ["https://proxy.example.com:3128", /must start with http:\/\/, the only way/],
      ["socks5://proxy.example.com:1080", /must start with http/],
      ["http://user:hunter2@proxy.example.com:3128", /every job could read/],
      ["http://user@proxy.example.com:3128", /every job could read/],
      ["http://proxy.example.com", /http:\/\/HOST:PORT/],
      ["http://proxy.example.com:3128/path", /http:\/\/HOST:PORT/],
      ["proxy.example.com:3128", /http:\/\//],
    ];
    for (const [httpsProxy, reason] of wrong) {
      it(`is refused as ${httpsProxy}`, () => {
        const problem = onlyProblem({ httpsProxy });
        assert.match(problem.reason, reason);
        assert.doesNotMatch(problem.reason, /hunter2/);
      });
    }

    for (const host of [
      "10.0.0.0/8",
      "*",
      "*.example.com",
      "https://example.com",
      "a b",
      "a,b",
      "example.com:443",
      "$(X)",
      "",
    ]) {
      it(`refuses ${JSON.stringify(host)} among the hosts without it`, () => {
        assert.equal(onlyProblem({ ...proxy, noProxy: ["ok.example.com", host] }).key, "noProxy[1]");
      });
    }

    it("is needed for hosts without it to mean anything", () => {
      const problem = onlyProblem({ noProxy: ["example.com"] });
      assert.equal(problem.key, "noProxy");
      valid({ noProxy: ["example.com"], ...mended(problem.command) });
    });

    it("becomes variables that hold no more and no less than was named", () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(fc.domain(), fc.ipV4(), fc.string())), (hosts) => {
          const { config } = validate(raw({ ...proxy, noProxy: hosts }));
          if (!config) return;
          const { no_proxy = "" } = proxyVariables(config);
          const fixed = proxyVariables({ ...config, noProxy: [] }).no_proxy?.split(",") ?? [];
          assert.deepEqual(new Set(no_proxy.split(",")), new Set([...fixed, ...hosts]));
        }),
      );
    });
  });

  describe("of the runner group", () => {
    const organization = { githubRepository: undefined };

    it("is a name of the organization's", () => {
      for (const runnerGroup of ["prd", "Digdag runners (prd)", "日本", "a".repeat(100)])
        assert.equal(valid({ ...organization, runnerGroup }).runnerGroup, runnerGroup);
      assert.equal(valid(organization).runnerGroup, undefined);
    });

    for (const runnerGroup of [" prd", "prd ", "a".repeat(101), "$(HOME)", "a\nb"]) {
      it(`refuses ${JSON.stringify(runnerGroup)}`, () => {
        assert.equal(onlyProblem({ ...organization, runnerGroup }).key, "runnerGroup");
      });
    }

    it("is refused with a repository, which has none", () => {
      const problem = onlyProblem({ runnerGroup: "prd" });
      assert.match(problem.reason, /only an organization has runner groups/);
      valid({ runnerGroup: "prd", ...mended(problem.command) });
    });
  });
});
