// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { DigdagRunner } from "../../../components/digdagRunner";
import { runnerInputs } from "../../../components/runnerInputs";
import { type Plan, run } from "../mocks";
import { account, cloud, deploy, token } from "./account";
import { mended, onlyProblem, problemsOf, valid } from "./configFixture";

const role = "arn:aws:iam::123456789012:role/digdag/stg-secrets";
const external = { "digdag-runner:secretDelivery": "externalSecrets" };
const withRole = { ...external, "digdag-runner:secretStoreRoleArn": role };
const app = { "digdag-runner:githubTokenParameter": "", "digdag-runner:githubAppId": "123456" };

const typesOf = (plan: Plan) => plan.resources.map(({ type }) => type.split(":").at(-1));
const volumeOf = (plan: Plan) =>
  plan
    .only("Deployment")
    .inputs.spec.template.spec.volumes.find(({ name }: { name: string }) => name === "credential").secret;

describe("the credential by the External Secrets Operator", () => {
  describe("as the operator itself", () => {
    let plan: Plan;
    before(async () => {
      plan = await deploy(account(), { config: external });
    });

    it("is never asked for by this program, and in nothing that it registers", () => {
      assert.deepEqual(
        plan.calls.filter(({ token: name }) => /ssm|[sS]ecret/.test(name)),
        [],
      );
      const all = JSON.stringify([plan.resources, plan.outputs]);
      for (const text of [token, Buffer.from(token).toString("base64")]) assert.ok(!all.includes(text));
      assert.ok(!typesOf(plan).includes("Secret"));
    });

    it("comes from the parameter, in the stack's region, as one key of a Secret of its own", () => {
      const store = plan.only("SecretStore").inputs;
      assert.deepEqual(store.spec, {
        provider: { aws: { service: "ParameterStore", region: "ap-northeast-1" } },
      });
      const { apiVersion, metadata, spec } = plan.only("ExternalSecret").inputs;
      assert.equal(apiVersion, "external-secrets.io/v1");
      assert.deepEqual(spec.secretStoreRef, { kind: "SecretStore", name: store.metadata.name });
      assert.equal(metadata.namespace, store.metadata.namespace);
      assert.deepEqual(spec.data, [
        { secretKey: "token", remoteRef: { key: "/digdag-runner/stg/github-token" } },
      ]);
      assert.deepEqual([spec.target.creationPolicy, spec.target.deletionPolicy], ["Owner", "Retain"]);
      assert.equal(spec.target.name, metadata.name);
    });

    it("is what the broker mounts, once the operator says that it is there", () => {
      const { inputs, urn } = plan.only("ExternalSecret");
      assert.equal(volumeOf(plan).secretName, inputs.spec.target.name);
      assert.ok(plan.only("Deployment").dependencies.includes(urn));
      assert.ok(plan.only("ExternalSecret").dependencies.includes(plan.only("SecretStore").urn));
      for (const kind of ["ExternalSecret", "SecretStore"]) {
        const { inputs: object, customTimeouts } = plan.only(kind);
        assert.equal(object.metadata.annotations["pulumi.com/waitFor"], "condition=Ready");
        assert.deepEqual([customTimeouts.create, customTimeouts.update], ["120s", "120s"]);
      }
    });

    it("needs no service account but the runners'", () => {
      assert.equal(plan.ofType("ServiceAccount").length, 1);
    });

    it("changes nothing in the plan when it is rotated", async () => {
      const parameter = { type: "SecureString", value: "ghp_AnotherTokenAltogether", version: 8 };
      const rotated = await deploy(account({ parameter }), { config: external });
      assert.deepEqual(rotated.toJSON(), plan.toJSON());
    });
  });

  describe("with a role", () => {
    let plan: Plan;
    before(async () => {
      plan = await deploy(account(), { config: { ...withRole, ...app } });
    });

    it("is read by a service account that has the role, and that no Pod runs as", () => {
      const own = plan.ofType("ServiceAccount").filter(({ inputs }) => inputs.metadata.annotations);
      assert.equal(own.length, 1);
      const { metadata, automountServiceAccountToken } = own[0]?.inputs ?? {};
      assert.deepEqual(metadata.annotations, { "eks.amazonaws.com/role-arn": role });
      assert.equal(automountServiceAccountToken, false);
      const { auth } = plan.only("SecretStore").inputs.spec.provider.aws;
      assert.deepEqual(auth, { jwt: { serviceAccountRef: { name: metadata.name } } });
      const { serviceAccountName } = plan.only("Deployment").inputs.spec.template.spec;
      assert.notEqual(serviceAccountName, metadata.name);
      assert.ok(plan.only("SecretStore").dependencies.includes(own[0]?.urn ?? ""));
    });

    it("is an App's key under the name that the broker looks for", () => {
      const { data } = plan.only("ExternalSecret").inputs.spec;
      assert.deepEqual(data, [
        { secretKey: "private-key.pem", remoteRef: { key: "/digdag-runner/stg/github-app" } },
      ]);
    });
  });

  it("is another Secret than Pulumi's, and one for each kind", async () => {
    const names: string[] = [];
    for (const config of [{}, external, { ...external, ...app }])
      names.push(volumeOf(await deploy(account(), { config })).secretName);
    assert.deepEqual(names, [
      "github-credential",
      "github-credential-external",
      "github-app-credential-external",
    ]);
  });

  it("takes no part in the delivery by Pulumi", async () => {
    const kinds = typesOf(await deploy());
    for (const kind of ["ExternalSecret", "SecretStore", "ExternalRunnerSecret"])
      assert.ok(!kinds.includes(kind));
  });

  describe("in another program", () => {
    const inputs = (value: (text: string) => pulumi.Input<string>, roleArn = role) => ({
      environment: "stg" as const,
      githubOwner: "example-org",
      githubTokenParameter: value("/digdag-runner/stg/github-token"),
      secretDelivery: "externalSecrets" as const,
      secretStoreRoleArn: value(roleArn),
      digdagEndpoint: "https://digdag.stg.example.com",
      securityGroupId: "sg-00000001",
      natAddresses: ["198.51.100.1"],
    });

    it("may have its role and parameter from other resources", async () => {
      const deployWith = (value: (text: string) => pulumi.Input<string>) =>
        run(() => void new DigdagRunner("pool", inputs(value)), cloud(account()));
      const plain = await deployWith((text) => text);
      assert.equal(plain.ofType("ServiceAccount").length, 2);
      assert.deepEqual((await deployWith((text) => pulumi.output(text))).toJSON(), plain.toJSON());
    });

    it("is refused once its role turns out to be none", async () => {
      const { secretStoreRoleArn } = runnerInputs(inputs((text) => pulumi.output(text), "r"));
      const found = (secretStoreRoleArn as any).promise();
      await assert.rejects(found, /secretStoreRoleArn is "r": must be the ARN of an IAM role/);
    });
  });
});

describe("the configuration of the delivery", () => {
  const secretDelivery = "externalSecrets";

  it("is Pulumi's unless it says otherwise", () => {
    assert.equal(valid().secretDelivery, "pulumi");
    assert.equal(valid({ secretDelivery }).secretStoreRoleArn, undefined);
    assert.equal(valid({ secretDelivery, secretStoreRoleArn: role }).secretStoreRoleArn, role);
    assert.match(
      onlyProblem({ secretDelivery: "vault" }).reason,
      /"vault": must be pulumi or externalSecrets/,
    );
  });

  it("has a role with the operator alone, and says how to mend it", () => {
    const { key, command } = onlyProblem({ secretStoreRoleArn: role });
    assert.equal(key, "secretStoreRoleArn");
    valid({ secretStoreRoleArn: role, ...mended(command) });
  });

  it("has a role of the stack's own account, and says how to mend it", () => {
    const secretStoreRoleArn = role.replace("123456789012", "999999999999");
    const { reason, command } = onlyProblem({ secretDelivery, secretStoreRoleArn });
    assert.match(reason, /belongs to account 999999999999, and the stack to 123456789012/);
    assert.equal(valid({ secretDelivery, ...mended(command) }).secretStoreRoleArn, role);
  });

  for (const wrong of [
    "digdag-runner",
    "arn:aws:iam::123456789012:user/somebody",
    "arn:aws:iam::1234:role/short",
    "arn:aws:sts::123456789012:assumed-role/r/session",
    `${role} `,
  ])
    it(`refuses the role ${JSON.stringify(wrong)}`, () => {
      const [problem] = problemsOf({ secretDelivery, secretStoreRoleArn: wrong });
      assert.match(problem?.reason ?? "", /must be the ARN of an IAM role/);
    });
});
