// biome-ignore-all lint/suspicious/noExplicitAny: inputs of another program may be of any type
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { rules } from "../../../components/configRules";
import { DigdagRunner } from "../../../components/digdagRunner";
import { runnerInputs } from "../../../components/runnerInputs";
import { WrongInputs } from "../../../components/wrongInputs";
import { isUnknown, type Plan, type RunOptions, run } from "../mocks";
import { account, cloud } from "./account";
import { schema } from "./configFixture";

const complete = {
  environment: "stg",
  githubOwner: "example-org",
  githubRepository: "digdag-workflows",
  githubTokenParameter: "/digdag-runner/stg/github-token",
  digdagEndpoint: "https://digdag.stg.example.com",
  securityGroupId: "sg-00000001",
  natAddresses: ["198.51.100.1"],
};

/** Called as from a language without types. */
const inputsOf = (changes: Record<string, unknown> = {}) => runnerInputs({ ...complete, ...changes } as any);

function refusal(changes: Record<string, unknown>): WrongInputs {
  try {
    inputsOf(changes);
  } catch (error) {
    assert.ok(error instanceof WrongInputs, String(error));
    return error;
  }
  throw new Error("nothing was refused");
}

const pathsOf = (changes: Record<string, unknown>) =>
  refusal(changes).problems.map(({ propertyPath }) => propertyPath);

/** Runs a program that makes nothing but the bundle. */
const deployWith = (changes: () => Record<string, unknown>, options: RunOptions = {}): Promise<Plan> =>
  run(() => void new DigdagRunner("pool", { ...complete, ...changes() } as any), cloud(account()), options);

describe("inputs of DigdagRunner", () => {
  it("have the program's own defaults", () => {
    const { replicas, maxJobMinutes, podPerJob, runnerCpu, runnerMemory, namespace, baseImage } = inputsOf();
    const { keys } = schema;
    assert.deepEqual(
      { replicas, maxJobMinutes, podPerJob, runnerCpu, runnerMemory, namespace, baseImage },
      {
        replicas: keys.replicas?.default,
        maxJobMinutes: keys.maxJobMinutes?.default,
        podPerJob: keys.podPerJob?.default,
        runnerCpu: keys.runnerCpu?.default,
        runnerMemory: keys.runnerMemory?.default,
        namespace: "digdag-runner-stg",
        baseImage: keys.baseImage?.default,
      },
    );
    assert.match(inputsOf().runnerSha256, /^[0-9a-f]{64}$/);
    assert.deepEqual(inputsOf({ runnerLabels: ["team-a"] }).runnerLabels.slice(-2), ["stg", "team-a"]);
  });

  it("are the same when they were completed before, as by the program's own configuration", () => {
    assert.deepEqual(inputsOf(inputsOf() as any), inputsOf());
  });

  it("that must be given are all named at once", () => {
    const nothing = Object.fromEntries(Object.keys(complete).map((key) => [key, undefined]));
    assert.deepEqual(pathsOf(nothing).sort(), [
      "digdagEndpoint",
      "environment",
      "githubAppId",
      "githubOwner",
      "natAddresses",
      "securityGroupId",
    ]);
  });

  for (const [key, { type }] of Object.entries(schema.keys)) {
    if (key in rules && !/^cluster|^loadBalancerName$|^caCertificateFile$/.test(key)) {
      it(`are refused by path and reason for a wrong ${key}`, () => {
        const wrong = type === "integer" ? 100_000 : " \n ";
        const [problem] = refusal({ [key]: type === "array" ? [wrong] : wrong }).problems;
        assert.equal(problem?.propertyPath, type === "array" ? `${key}[0]` : key);
        assert.match(problem?.reason ?? "", /^is .*: must/s);
      });
      it(`are refused for a ${key} of another type`, () => {
        assert.ok(pathsOf({ [key]: { a: 1 } }).includes(key));
      });
    }
  }

  it("that shape the plan must be known", () => {
    for (const key of ["githubOwner", "namespace", "replicas", "runnerLabels", "caCertificates"]) {
      const value = pulumi.output(["x"]).apply(() => "x");
      assert.match(
        refusal({ [key]: value }).message,
        new RegExp(`${key} is an output or a secret: it shapes`),
      );
    }
  });

  for (const [name, changes, path] of [
    ["no credential", { githubTokenParameter: undefined }, "githubAppId"],
    ["both credentials", { githubAppId: "1", githubAppParameter: "/key" }, "githubAppId"],
    ["a key of no App", { githubTokenParameter: undefined, githubAppParameter: "/key" }, "githubAppId"],
    ["an output beside the other credential", { githubAppId: "1" }, "githubAppId"],
    [
      "a store's role while Pulumi delivers",
      { secretStoreRoleArn: "arn:aws:iam::123456789012:role/r" },
      "secretStoreRoleArn",
    ],
    ["a group of a repository", { runnerGroup: "g" }, "runnerGroup"],
    ["hosts without a proxy", { noProxy: ["a.example.com"] }, "noProxy"],
    ["a version of unknown checksum", { runnerVersion: "9.9.9" }, "runnerSha256"],
    ["another environment's label", { runnerLabels: ["prd"] }, "runnerLabels[0]"],
    ["another environment", { environment: "production" }, "environment"],
    ["a range", { natAddresses: ["203.0.113.1", "0.0.0.0/0"] }, "natAddresses[1]"],
    ["neither addresses nor a group to admit", { natAddresses: [] }, "natAddresses"],
    ["both addresses and a group to admit", { sourceSecurityGroupId: "sg-00000002" }, "natAddresses"],
    ["an existing rule that is none", { existingRules: { "203-0-113-1": "sg-00000001" } }, "existingRules"],
    ["certificates that are none", { caCertificates: ["-----BEGIN EC PRIVATE KEY-----"] }, "caCertificates"],
  ] as const) {
    it(`are refused with ${name}`, () => {
      assert.deepEqual(pathsOf({ ...changes }), [path]);
    });
  }

  it("need no name of the App's parameter", () => {
    const { githubAppParameter } = inputsOf({ githubTokenParameter: undefined, githubAppId: "1" });
    assert.equal(githubAppParameter, "/digdag-runner/stg/github-app");
  });

  it("admit a security group that only the deployment will know", async () => {
    const group = pulumi.output(Promise.resolve("sg-00000002"));
    const plan = await deployWith(() => ({ natAddresses: undefined, sourceSecurityGroupId: group }));
    const rules = plan.resources.filter(({ type }) => type.endsWith("SecurityGroupIngressRule"));
    assert.deepEqual(
      rules.map(({ name, inputs }) => [name, inputs.referencedSecurityGroupId]),
      [["pool-access-sg-00000002", "sg-00000002"]],
    );
  });

  it("count a parameter that only the deployment will know as given", () => {
    const parameter = pulumi.output("/digdag-runner/stg/github-token");
    assert.deepEqual(pathsOf({ githubTokenParameter: parameter, githubAppId: "1" }), ["githubAppId"]);
    assert.equal(inputsOf({ githubTokenParameter: parameter }).githubAppId, undefined);
  });

  it("are not shown where an output is a secret", async () => {
    const { digdagEndpoint } = inputsOf({ digdagEndpoint: pulumi.secret("http://hunter2") });
    await assert.rejects(promiseOf(digdagEndpoint), /digdagEndpoint is \[not shown\]: must be a URL/);
  });

  it("that hold a private key in place of a certificate show nothing of it", () => {
    const key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n";
    for (const caCertificates of [[key], key]) {
      const { message, errors } = refusal({ caCertificates }).forEngine();
      assert.match(message, /caCertificates is \[not shown\]: (it holds a EC PRIVATE KEY|must be a list)/);
      assert.deepEqual(errors, []);
      assert.ok(!message.includes("MHcCAQEE"));
    }
  });

  it("are never shown where they may be a secret, by us or by the engine, which shows what a path leads to", () => {
    const token = "ghp_0123456789abcdef";
    const error = refusal({ githubTokenParameter: token, replicas: 0 });
    const { message, errors } = error.forEngine();
    for (const text of [error.message, message, JSON.stringify(errors)])
      assert.ok(!text.includes(token), text);
    assert.match(message, /githubTokenParameter is \[not shown\]: must be the name of an SSM parameter/);
    assert.deepEqual(
      errors?.map(({ propertyPath }) => propertyPath),
      ["replicas"],
    );
  });
  for (const [key, value, reason] of [
    [
      "digdagEndpoint",
      "http://digdag.example.com",
      /digdagEndpoint is "http:.*": must be a URL that starts with https/,
    ],
    ["securityGroupId", "sg", /securityGroupId is "sg": must be sg-/],
    ["natAddresses", ["10.0.0.1"], /natAddresses\[0\] is "10.0.0.1": is not a public address/],
    ["natAddresses", [], /natAddresses is not set/],
    ["githubTokenParameter", "ghp_0123456789abcdef", /githubTokenParameter is \[not shown\]/],
    ["securityGroupId", undefined, /securityGroupId is not set/],
  ] as const) {
    it(`are refused once an output of ${key} turns out to be ${JSON.stringify(value)}`, async () => {
      const inputs = inputsOf({ [key]: pulumi.output(value as any) });
      await assert.rejects(promiseOf(inputs[key]), reason);
    });
  }
});

describe("DigdagRunner in another program", () => {
  it("registers nothing for wrong inputs", async () => {
    const seen: string[] = [];
    await assert.rejects(
      deployWith(() => ({ replicas: 0 }), { observe: (typeOrToken) => seen.push(typeOrToken) }),
      /an input of DigdagRunner cannot be used.*replicas is "0": must be from 1 to 50/s,
    );
    assert.deepEqual(seen, []);
  });

  it("takes from outputs what it takes from plain values", async () => {
    const plain = await deployWith(() => ({ natAddresses: ["198.51.100.1/32", "198.51.100.2"] }));
    const outputs = await deployWith(() => ({
      digdagEndpoint: pulumi.output(`${complete.digdagEndpoint}/`),
      securityGroupId: pulumi.output(complete.securityGroupId),
      natAddresses: [pulumi.output("198.51.100.1"), "198.51.100.2/32"],
      githubTokenParameter: pulumi.output(complete.githubTokenParameter),
    }));
    assert.equal(plain.ofType("SecurityGroupIngressRule").length, 2);
    assert.deepEqual(outputs.toJSON(), plain.toJSON());
  });

  it("previews everything but the rules of addresses that are not known yet", async () => {
    const plan = await deployWith(() => ({ natAddresses: [unknownOutput()] }), { preview: true });
    assert.equal(plan.ofType("SecurityGroupIngressRule").length, 0);
    const { spec } = plan.only("Deployment").raw.spec.template;
    assert.ok(isUnknown(spec.containers[0].image));
    assert.deepEqual(
      spec.containers[0].env.find(({ name }: any) => name === "DIGDAG_ENDPOINT")?.value,
      complete.digdagEndpoint,
    );
  });

  it("previews a Deployment whose endpoint is not known yet", async () => {
    const plan = await deployWith(() => ({ digdagEndpoint: unknownOutput() }), { preview: true });
    assert.ok(isUnknown(plan.only("Deployment").raw.spec));
  });

  it("lets no runner start before the rules are there", async () => {
    const plan = await deployWith(() => ({ natAddresses: pulumi.output(complete.natAddresses) }));
    const [rule] = plan.ofType("SecurityGroupIngressRule");
    // Its Deployment is registered after the component, and the component after what it depends on.
    assert.ok(plan.only("RunnerDeployment").dependencies.includes(rule?.urn ?? ""));
  });
});

/** What a preview has of a resource that does not exist yet. */
const unknownOutput = () =>
  new (pulumi.Output as any)(
    new Set(),
    Promise.resolve(""),
    Promise.resolve(false),
    Promise.resolve(false),
    Promise.resolve(new Set()),
  );

const promiseOf = (value: unknown): Promise<unknown> => (pulumi.output(value) as any).promise();
