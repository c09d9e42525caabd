import assert from "node:assert/strict";
import fc from "fast-check";
import { natAddressProblem } from "../../../components/addresses";
import { nearest, renderProblems } from "../../../components/configProblems";
import { rules } from "../../../components/configRules";
import { readStackLabels } from "../../../components/configSchema";
import { validate } from "../../../components/configValidation";
import { type Changes, mended, onlyProblem, problemsOf, raw, root, schema, valid } from "./configFixture";

describe("the configuration", () => {
  it("of the committed stacks is valid", () => {
    for (const stack of ["local", "stg", "prd"]) {
      const parameter = `/digdag-runner/${stack}/github-token`;
      const config = valid({ githubTokenParameter: parameter }, { stack });
      assert.equal(config.environment, stack);
    }
    assert.deepEqual(readStackLabels(root, schema.project), { local: [], prd: [], stg: [] });
  });

  it("is complete with the required keys alone", () => {
    const config = valid();
    assert.equal(config.namespace, "digdag-runner-stg");
    assert.deepEqual(config.runnerLabels, ["self-hosted", "linux", "x64", "digdag", "stg"]);
    assert.equal(config.replicas, 2);
    assert.equal(config.loadBalancerName, undefined);
    assert.deepEqual(config.natAddresses, []);
  });

  it("knows the checksum of the default versions for both platforms", () => {
    const x64 = valid();
    const arm64 = valid({ platform: "linux/arm64" });
    assert.match(x64.runnerUrl, /v2\.337\.0\/actions-runner-linux-x64-2\.337\.0\.tar\.gz$/);
    assert.match(arm64.runnerUrl, /linux-arm64/);
    assert.match(x64.runnerSha256, /^7092/);
    assert.match(arm64.runnerSha256, /^9b1d/);
    assert.match(x64.digdagSha256, /^97b5/);
    assert.ok(arm64.runnerLabels.includes("arm64") && !arm64.runnerLabels.includes("x64"));
  });

  it("takes the known checksum for a mirror of a known version", () => {
    const config = valid({ runnerUrl: "https://mirror.example.com/runner.tar.gz" });
    assert.equal(config.runnerUrl, "https://mirror.example.com/runner.tar.gz");
    assert.match(config.runnerSha256, /^7092/);
  });

  it("needs a checksum for a version it does not know", () => {
    assert.equal(onlyProblem({ runnerVersion: "2.400.0" }).key, "runnerSha256");
    assert.equal(onlyProblem({ digdagVersion: "0.11.0" }).key, "digdagSha256");
    assert.equal(
      valid({ runnerVersion: "2.400.0", runnerSha256: "a".repeat(64) }).runnerSha256,
      "a".repeat(64),
    );
  });

  it("reports every problem at once, each with its key, the value seen and a command", () => {
    const problems = problemsOf({
      githubOwner: undefined,
      clusterName: "arn:aws:eks:ap-northeast-1:123456789012:cluster/x",
      digdagEndpoint: "http://digdag.example.com",
      replicas: 0,
      natAddresses: ["0.0.0.0/0", "203.0.113.10", "10.0.0.1"],
      githubAppParameter: "/app",
      "aws:region": undefined,
    });
    assert.deepEqual(problems.map(({ key }) => key).sort(), [
      "aws:region",
      "clusterName",
      "digdagEndpoint",
      "githubAppParameter",
      "githubOwner",
      "natAddresses[0]",
      "natAddresses[2]",
      "replicas",
    ]);
    const message = renderProblems("stg", problems);
    assert.match(
      message,
      /^The configuration of stack stg has 8 problems\. Nothing was created or changed\.$/m,
    );
    assert.match(
      message,
      /digdagEndpoint is "http:\/\/digdag\.example\.com": must be a URL that starts with https/,
    );
    assert.match(message, /pulumi config set --stack stg githubOwner example-org$/m);
    assert.match(message, /pulumi config set --stack stg --path 'natAddresses\[0\]' 203\.0\.113\.10$/m);
  });

  it("mends every problem with the command it gives", () => {
    const wrong: Changes = {
      replicas: 99,
      platform: "windows/amd64",
      namespace: "Not_A_Name",
      maxJobMinutes: 0,
    };
    for (const { key, command } of problemsOf(wrong)) {
      const value = /set --stack stg \S+ (\S+)$/.exec(command)?.[1];
      assert.ok(value, command);
      wrong[key] = /^\d+$/.test(value) ? Number(value) : value;
    }
    valid(wrong);
  });

  it("accepts the example of every rule", () => {
    for (const [key, { example, problem }] of Object.entries(rules)) {
      if (/SHA256|DIGEST/.test(example)) continue;
      assert.equal(problem(example.replaceAll("STACK", "stg")), undefined, key);
    }
  });

  it("has a rule for every key but booleans, and a description and a default for every key", () => {
    for (const [key, { type, description, default: value }] of Object.entries(schema.keys)) {
      if (type !== "boolean") assert.ok(rules[key], key);
      assert.match(description, /^[A-Z].*\.$/, key);
      assert.notEqual(value, undefined, key);
    }
    for (const key of Object.keys(rules)) assert.ok(schema.keys[key], `${key} is not in Pulumi.yaml`);
  });

  describe("of the stack", () => {
    it("is refused for a stack that is not an environment", () => {
      assert.match(onlyProblem({}, { stack: "dev" }).reason, /"dev".*stg, prd, local/);
    });
  });

  it("never shows a value that is encrypted in the stack file, or that looks like a credential", () => {
    const secretKeys = new Set(["digdag-runner:clusterName"]);
    assert.match(onlyProblem({ clusterName: "my secret" }, { secretKeys }).reason, /\[not shown\]/);
    const urls = { digdagEndpoint: "https://user:hunter2@digdag.example.com" };
    assert.ok(!onlyProblem(urls).reason.includes("hunter2"));
    assert.ok(!onlyProblem({ githubOwner: "ghp_abc/def" }).reason.includes("ghp_"));
  });

  describe("of labels", () => {
    it("always holds the name of its own stack", () => {
      fc.assert(
        fc.property(
          fc.constantFrom("stg", "prd", "local"),
          fc.array(fc.stringMatching(/^t[a-z0-9]{1,9}$/)),
          (stack, labels) => {
            const { runnerLabels } = valid({ runnerLabels: labels }, { stack });
            assert.ok(runnerLabels.includes(stack));
            assert.equal(new Set(runnerLabels).size, runnerLabels.length);
          },
        ),
      );
    });

    it("refuses the name of another environment, whatever its case", () => {
      for (const label of ["prd", "PRD", "local"]) {
        assert.match(onlyProblem({ runnerLabels: [label] }).reason, /another environment/);
      }
    });

    it("refuses a label that another stack has as well", () => {
      const problem = onlyProblem({ runnerLabels: ["mine", "Team-A"] }, { stackLabels: { prd: ["team-a"] } });
      assert.equal(problem.key, "runnerLabels[1]");
      assert.match(problem.reason, /stack prd/);
      assert.equal(problem.command, "pulumi config set --stack stg --path 'runnerLabels[1]' Team-A-stg");
    });

    it("may repeat what the same stack's file says", () => {
      const { runnerLabels } = valid(
        { runnerLabels: ["team-a"] },
        { stackLabels: { stg: ["team-a"], prd: [] } },
      );
      assert.deepEqual(runnerLabels.slice(-1), ["team-a"]);
    });

    for (const wrong of ["", "a b", "a,b", "-a", "a".repeat(64)]) {
      it(`refuses the label ${JSON.stringify(wrong)}`, () => {
        assert.equal(onlyProblem({ runnerLabels: [wrong] }).key, "runnerLabels[0]");
      });
    }
  });

  describe("of NAT addresses", () => {
    it("is one public address each, with or without /32", () => {
      assert.deepEqual(
        valid({ natAddresses: ["203.0.113.10/32", "203.0.113.10", "198.51.100.1"] }).natAddresses,
        ["203.0.113.10", "198.51.100.1"],
      );
    });

    it("never accepts a range, whatever its address", () => {
      fc.assert(
        fc.property(fc.ipV4(), fc.integer({ min: 0, max: 31 }), (address, prefix) => {
          assert.notEqual(natAddressProblem(`${address}/${prefix}`), undefined);
        }),
      );
    });

    for (const wrong of [
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "100.64.0.1",
      "127.0.0.1",
      "169.254.1.1",
    ]) {
      it(`refuses ${wrong}, which is not public`, () => {
        assert.match(natAddressProblem(wrong) ?? "", /not a public address/);
      });
    }

    for (const wrong of [
      "",
      "203.0.113",
      "203.0.113.256",
      "2001:db8::1",
      "digdag.example.com",
      "203.0.113.1/032",
      "203.0.113.1/32/32",
    ]) {
      it(`refuses ${JSON.stringify(wrong)}`, () => {
        assert.notEqual(natAddressProblem(wrong), undefined);
      });
    }

    for (const right of ["172.15.0.1", "172.32.0.1", "100.128.0.1", "11.0.0.1", "192.167.0.1"]) {
      it(`accepts ${right}, next to a private range`, () => {
        assert.equal(natAddressProblem(right), undefined);
      });
    }
  });

  describe("of URLs", () => {
    for (const wrong of [
      "digdag.example.com",
      "https://",
      "https://h/path",
      "https://h?q=1",
      "https://h#f",
      "ftp://h",
    ]) {
      it(`refuses the endpoint ${wrong}`, () => {
        assert.equal(onlyProblem({ digdagEndpoint: wrong }).key, "digdagEndpoint");
      });
    }

    it("loses the slash at its end", () => {
      const config = valid({
        digdagEndpoint: "https://h.example.com:8443/",
        githubApiUrl: "https://ghe.example.com/api/v3/",
      });
      assert.equal(config.digdagEndpoint, "https://h.example.com:8443");
      assert.equal(config.githubApiUrl, "https://ghe.example.com/api/v3");
    });
  });

  it("refuses an image without a digest", () => {
    for (const wrong of ["debian", "debian:bookworm-slim", "debian@sha256:abc"]) {
      assert.equal(onlyProblem({ baseImage: wrong }).key, "baseImage");
    }
  });

  it("names the key that an unknown one was probably meant to be", () => {
    const problem = onlyProblem({ digdagEndpiont: "https://h" });
    assert.match(problem.reason, /perhaps digdagEndpoint was meant/);
    assert.equal(problem.command, "pulumi config rm --stack stg digdagEndpiont");
    assert.equal(nearest("completelyDifferent", Object.keys(schema.keys)), undefined);
  });

  it("refuses what means nothing for the way that Digdag is opened", () => {
    const sourceSecurityGroupId = "sg-0123456789abcdef0";
    const inside = { access: "securityGroup", sourceSecurityGroupId };
    assert.equal(valid(inside).sourceSecurityGroupId, sourceSecurityGroupId);
    assert.equal(onlyProblem({ sourceSecurityGroupId }).key, "sourceSecurityGroupId");
    assert.equal(onlyProblem({ ...inside, natAddresses: ["203.0.113.10"] }).key, "natAddresses");
    assert.match(onlyProblem({ access: "public" }).reason, /must be natGateways or securityGroup/);
  });

  it("takes the ALB by name or ARN, not by host name", () => {
    const arn =
      "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/digdag/50dc6c495c0c9188";
    for (const loadBalancerName of ["digdag", arn]) valid({ loadBalancerName });
    for (const loadBalancerName of [
      arn.replace("/app/", "/net/"),
      "digdag-1.ap-northeast-1.elb.amazonaws.com",
    ]) {
      assert.equal(onlyProblem({ loadBalancerName }).key, "loadBalancerName");
    }
  });

  it("takes the name of any PriorityClass, and none by default", () => {
    assert.equal(valid({}).priorityClassName, undefined);
    for (const priorityClassName of ["deployments", "system-cluster-critical", "team-a.v2"])
      assert.equal(valid({ priorityClassName }).priorityClassName, priorityClassName);
    for (const priorityClassName of ["High", "-1", "1000_000", "a".repeat(254)])
      assert.equal(onlyProblem({ priorityClassName }).key, "priorityClassName");
  });

  it("refuses a runner that GitHub registers no more, except for an Enterprise Server", () => {
    const old = { runnerVersion: "2.328.9", runnerSha256: "a".repeat(64) };
    assert.match(onlyProblem(old).reason, /"2\.328\.9": GitHub registers no runner older than 2\.329\.0/);
    assert.equal(onlyProblem({ ...old, githubApiUrl: "https://api.octo.ghe.com" }).key, "runnerVersion");
    valid({ ...old, runnerVersion: "2.329.0" });
    valid({ ...old, runnerVersion: "2.1000.0" });
    valid({ ...old, githubApiUrl: "https://github.example.com/api/v3" });
  });

  it("leaves the keys of other projects and providers alone", () => {
    valid({ "github:owner": "x", "other:key": "y" });
  });

  it("needs a region and at least one account of 12 digits", () => {
    assert.match(onlyProblem({ "aws:region": "tokyo" }).reason, /"tokyo"/);
    for (const wrong of [undefined, [], ["1234"], "123456789012", [123456789012]]) {
      const { reason, command } = onlyProblem({ "aws:allowedAccountIds": wrong });
      assert.match(reason, wrong === undefined ? /^is not set/ : /^is ".*": it must list/);
      valid(mended(command));
    }
  });

  it("refuses values of the wrong type", () => {
    const problems = problemsOf({
      replicas: "two",
      natAddresses: "203.0.113.1",
      manageGitHubSettings: "maybe",
    });
    assert.deepEqual(problems.map(({ key }) => key).sort(), [
      "manageGitHubSettings",
      "natAddresses",
      "replicas",
    ]);
  });

  it("is either complete or refused, never a crash, whatever the values", () => {
    const keys = [
      ...Object.keys(schema.keys).map((key) => `${schema.project}:${key}`),
      "aws:region",
      "aws:allowedAccountIds",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), fc.string()), (values) => {
        const { config, problems } = validate({ ...raw(), values });
        assert.ok(config ? !problems : problems.length > 0);
      }),
    );
  });
});
