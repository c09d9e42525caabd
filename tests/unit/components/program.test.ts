// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { isSecret, isUnknown, type Plan, type Recorded } from "../mocks";
import { account, deploy, digest, registryPassword, token } from "./account";

const awsRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

/** Every text that the engine would see in the clear, wherever it is nested. */
function clearTexts(value: any): string[] {
  if (isSecret(value)) return [];
  if (typeof value === "string") return [value];
  if (value === null || typeof value !== "object") return [];
  return Object.values(value).flatMap(clearTexts);
}

const ruleAddresses = (plan: Plan) => plan.ofType(awsRule).map((rule) => rule.inputs.cidrIpv4);

describe("the program", () => {
  describe("its plan", () => {
    let plan: Plan;
    before(async () => {
      plan = await deploy();
    });

    it("has every resource under a component, but for the components and providers at the top", () => {
      const top = plan.resources.filter((resource) => resource.parent.includes("pulumi:pulumi:Stack::"));
      assert.deepEqual(top.map((resource) => resource.type).sort(), [
        "digdag-runner:index:DigdagRunner",
        "pulumi:providers:kubernetes",
      ]);
      assert.equal(plan.resources.length, 17);
    });

    it("names every child after its parent", () => {
      const names = new Map(plan.resources.map((resource) => [resource.urn, resource.name]));
      for (const { name, parent } of plan.resources) {
        if (names.has(parent)) assert.ok(name.startsWith(`${names.get(parent)}-`), name);
      }
    });

    it("sends every Kubernetes object to the one explicit provider", () => {
      const objects = plan.resources.filter((resource) => resource.type.startsWith("kubernetes:"));
      assert.equal(objects.length, 6);
      for (const { name, provider } of objects)
        assert.match(provider, /pulumi:providers:kubernetes::cluster::/, name);
    });

    it("opens Digdag to one /32 per NAT address and to nothing else", () => {
      assert.deepEqual(ruleAddresses(plan).sort(), ["198.51.100.1/32", "198.51.100.2/32"]);
      for (const { inputs } of plan.ofType(awsRule)) {
        assert.equal(inputs.securityGroupId, "sg-00000001");
        assert.deepEqual([inputs.ipProtocol, inputs.fromPort, inputs.toPort], ["tcp", 443, 443]);
      }
    });

    it("says on each rule whose it is", () => {
      for (const { inputs } of plan.ofType(awsRule)) {
        assert.match(inputs.description, /stg.*example-org\/digdag-workflows/);
        assert.match(inputs.description, /^[A-Za-z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/);
        assert.equal(inputs.tags["digdag-runner:stack"], "stg");
        assert.equal(inputs.tags["digdag-runner:owner"], "example-org/digdag-workflows");
      }
    });

    it("runs the image by digest, never by tag", () => {
      const image = `123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/digdag-runner-stg@${digest}`;
      const { spec } = plan.only("Deployment").inputs.spec.template;
      const images = [...spec.initContainers, ...spec.containers].map((container: any) => container.image);
      assert.deepEqual(images, [image, image]);
      assert.equal(plan.outputs.imageReference, image);
    });

    it("pushes to a repository with immutable tags and scans what it pushed", () => {
      const { inputs } = plan.only("Repository");
      assert.equal(inputs.imageTagMutability, "IMMUTABLE");
      assert.deepEqual(inputs.imageScanningConfiguration, { scanOnPush: true });
      assert.deepEqual(inputs.encryptionConfigurations, [{ encryptionType: "AES256" }]);
      assert.equal(JSON.parse(plan.only("LifecyclePolicy").inputs.policy).rules.length, 1);
    });

    it("waits for a roll-out as long as its replicas need, and for a deletion as long as the longest job", () => {
      const { create, update, pb_delete } = plan.only("Deployment").customTimeouts;
      assert.deepEqual([create, update, pb_delete], ["240s", "240s", "900s"]);
      assert.equal(plan.only("Namespace").customTimeouts.pb_delete, "900s");
    });

    it("builds nothing during a preview", () => {
      assert.equal(plan.only("Image").inputs.buildOnPreview, false);
    });

    it("shows no credential in the clear to the engine, which keeps what it sees", () => {
      for (const { name, raw } of plan.resources) {
        const texts = clearTexts(raw).join("\n");
        assert.ok(!texts.includes(token), `${name} shows the token`);
        assert.ok(!texts.includes(registryPassword), `${name} shows the registry's password`);
      }
      assert.ok(isSecret(plan.only("Secret").raw.stringData));
      assert.ok(isSecret(plan.only("Image").raw.registry.password));
      assert.equal(plan.only("Secret").inputs.stringData.token, token);
    });

    it("reads one parameter, decrypted, and shows its version and not its value", () => {
      const reads = plan.calls.filter((call) => call.token.startsWith("aws:ssm/"));
      assert.deepEqual(
        reads.map((call) => call.inputs),
        [{ name: "/digdag-runner/stg/github-token", withDecryption: true }],
      );
      assert.equal(plan.only("Secret").raw.metadata.annotations["digdag-runner/parameter-version"], "7");
    });

    it("updates the Secret of a rotated token in place", () => {
      assert.equal(plan.only("pulumi:providers:kubernetes").inputs.enableSecretMutable, "true");
    });

    it("gives the Kubernetes provider no credential of its own", () => {
      const config = JSON.parse(plan.only("pulumi:providers:kubernetes").inputs.kubeconfig);
      assert.deepEqual(Object.keys(config.users[0].user), ["exec"]);
      assert.deepEqual(config.users[0].user.exec.args.slice(0, 4), [
        "eks",
        "get-token",
        "--cluster-name",
        "digdag-stg",
      ]);
    });

    it("tells people what they ask for first", () => {
      assert.deepEqual(plan.outputs, {
        imageReference: `123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/digdag-runner-stg@${digest}`,
        runnerLabels: ["self-hosted", "linux", "x64", "digdag", "stg"],
        allowedAddresses: ["198.51.100.1/32", "198.51.100.2/32"],
        namespace: "digdag-runner-stg",
        statusCommand: "kubectl get deployments,pods --namespace digdag-runner-stg --output wide",
      });
    });

    it("is the same when nothing changed", async () => {
      assert.deepEqual((await deploy()).toJSON(), plan.toJSON());
    });

    it("changes in the rules alone when a NAT address changes", async () => {
      const moved = account({
        natGateways: { "nat-a": { publicIp: "198.51.100.1" }, "nat-b": { publicIp: "198.51.100.3" } },
      });
      const changed = await deploy(moved);
      const others = (of: Plan) =>
        (of.toJSON() as Recorded[]).filter(({ urn }) => !urn.includes("IngressRule"));
      assert.deepEqual(others(changed), others(plan));
      assert.deepEqual(ruleAddresses(changed).sort(), ["198.51.100.1/32", "198.51.100.3/32"]);
    });

    it("changes in the Secret alone when the token is rotated", async () => {
      const parameter = { type: "SecureString", value: "ghp_AnotherTokenAltogether", version: 8 };
      const changed = await deploy(account({ parameter }));
      const others = (of: Plan) =>
        (of.toJSON() as Recorded[]).filter(({ urn }) => !urn.includes("v1:Secret"));
      assert.deepEqual(others(changed), others(plan));
    });
  });

  describe("a preview of a stack that does not exist yet", () => {
    it("plans the same resources with unknown values where providers compute them", async () => {
      const [preview, update] = [await deploy(account(), { preview: true }), await deploy()];
      const urns = (plan: Plan) => plan.resources.map(({ urn }) => urn).sort();
      assert.deepEqual(urns(preview), urns(update));
      const { template } = preview.only("Deployment").raw.spec;
      assert.ok(isUnknown(template.spec.containers[0].image));
      assert.equal(template.spec.containers[0].name, "runner");
      assert.deepEqual(ruleAddresses(preview).sort(), ["198.51.100.1/32", "198.51.100.2/32"]);
    });
  });

  describe("with a GitHub App", () => {
    const newKey = () =>
      generateKeyPairSync("rsa", { modulusLength: 2048 })
        .privateKey.export({ type: "pkcs1", format: "pem" })
        .toString();
    const key = newKey();
    const config = {
      "digdag-runner:githubTokenParameter": "",
      "digdag-runner:githubAppId": "123456",
      "digdag-runner:githubAppParameter": "/digdag-runner/stg/github-app",
    };
    const deployApp = (value: string) =>
      deploy(account({ parameter: { type: "SecureString", value, version: 1 } }), { config });

    it("reads the App's parameter, and gives its key to the broker as a secret", async () => {
      const plan = await deployApp(key);
      const reads = plan.calls.filter((call) => call.token.startsWith("aws:ssm/"));
      assert.deepEqual(
        reads.map(({ inputs }) => inputs.name),
        ["/digdag-runner/stg/github-app"],
      );
      const secret = plan.only("Secret");
      assert.ok(isSecret(secret.raw.stringData));
      assert.deepEqual(secret.inputs.stringData, { "private-key.pem": key });
      const { spec } = plan.only("Deployment").inputs.spec.template;
      const volume = spec.volumes.find(({ name }: { name: string }) => name === "credential");
      assert.equal(volume.secret.secretName, secret.inputs.metadata.name);
    });

    it("shows no line of the key in the clear to the engine", async () => {
      const plan = await deployApp(key);
      const lines = key.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
      for (const { name, raw } of plan.resources) {
        const texts = clearTexts(raw).join("\n");
        for (const line of lines) assert.ok(!texts.includes(line), name);
      }
    });

    it("changes in the Secret alone when the key is rotated", async () => {
      const [before, after] = [await deployApp(key), await deployApp(newKey())];
      const others = (of: Plan) =>
        (of.toJSON() as Recorded[]).filter(({ urn }) => !urn.includes("v1:Secret"));
      assert.deepEqual(others(after), others(before));
      assert.notDeepEqual(after.only("Secret").inputs, before.only("Secret").inputs);
    });

    it("is another Secret than a token's, so that Pods which finish a job keep theirs", async () => {
      const [app, withToken] = [await deployApp(key), await deploy()];
      assert.notEqual(app.only("Secret").inputs.metadata.name, withToken.only("Secret").inputs.metadata.name);
    });
  });

  describe("what differs in prd", () => {
    it("keeps the images when the stack is destroyed", async () => {
      const plan = await deploy(account(), { stack: "prd" });
      assert.equal(plan.only("Repository").inputs.forceDelete, false);
      assert.equal((await deploy()).only("Repository").inputs.forceDelete, true);
    });
  });

  describe("with a wrong configuration", () => {
    it("registers nothing and asks AWS nothing", async () => {
      const wrong = { "digdag-runner:githubOwner": "", "digdag-runner:natAddresses": '["0.0.0.0/0"]' };
      const calls: string[] = [];
      await assert.rejects(
        deploy(account(), { config: wrong, observe: (event) => calls.push(event) }),
        (error: Error) => {
          assert.match(error.message, /2 problems/);
          assert.match(error.message, /githubOwner is not set/);
          assert.match(error.message, /natAddresses\[0\] is "0\.0\.0\.0\/0"/);
          return true;
        },
      );
      assert.deepEqual(calls, []);
    });
  });

  describe("with podPerJob", () => {
    const config = { "digdag-runner:podPerJob": "true" };

    it("lets Pods delete themselves and nothing else", async () => {
      const plan = await deploy(account(), { config });
      const name = "digdag-runner-stg-own-pod";
      const policy = plan.only("ValidatingAdmissionPolicy").inputs;
      const binding = plan.only("ValidatingAdmissionPolicyBinding").inputs;
      assert.deepEqual(
        [policy.metadata.name, binding.metadata.name, binding.spec.policyName],
        [name, name, name],
      );
      assert.deepEqual(binding.spec.validationActions, ["Deny"]);
      assert.deepEqual(plan.only("Role").inputs.rules, [
        { apiGroups: [""], resources: ["pods"], verbs: ["delete"] },
      ]);
      const { roleRef, subjects, metadata } = plan.only("RoleBinding").inputs;
      assert.deepEqual([roleRef.kind, roleRef.name], ["Role", plan.only("Role").inputs.metadata.name]);
      const { name: subject, namespace } = plan.only("ServiceAccount").inputs.metadata;
      assert.deepEqual(subjects, [{ kind: "ServiceAccount", name: subject, namespace }]);
      assert.equal(metadata.namespace, namespace);
    });

    it("allows before any Pod needs it, and limits before it allows", async () => {
      const plan = await deploy(account(), { config });
      const { urn: binding, dependencies } = plan.only("RoleBinding");
      assert.ok(dependencies.includes(plan.only("ValidatingAdmissionPolicyBinding").urn));
      assert.ok(plan.only("Deployment").dependencies.includes(binding));
    });

    it("adds to the plan what it needs, and changes nothing but the Pod", async () => {
      const [without, plan] = [await deploy(), await deploy(account(), { config })];
      const planned = (of: Plan) =>
        new Map((of.toJSON() as Recorded[]).map((one) => [one.urn, JSON.stringify(one)]));
      const before = planned(without);
      const added = plan.resources
        .filter(({ urn }) => !before.has(urn))
        .map(({ type }) => type.split(":").at(-1));
      assert.deepEqual(added.sort(), [
        "Role",
        "RoleBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
      ]);
      const after = planned(plan);
      const changed = without.resources.filter(({ urn }) => before.get(urn) !== after.get(urn));
      assert.deepEqual(
        changed.map(({ type }) => type),
        ["kubernetes:apps/v1:Deployment"],
      );
    });
  });

  describe("on a platform", () => {
    const deployOn = (platform: string) =>
      deploy(account(), { config: { "digdag-runner:platform": platform } });
    const names = { "linux/amd64": /\b(x64|amd64)\b/, "linux/arm64": /\barm64\b/ };

    for (const [platform, own, foreign] of [
      ["linux/amd64", names["linux/amd64"], names["linux/arm64"]],
      ["linux/arm64", names["linux/arm64"], names["linux/amd64"]],
    ] as const) {
      it(`${platform} names that architecture wherever one is named`, async () => {
        const plan = await deployOn(platform);
        const { build } = plan.only("Image").inputs;
        assert.equal(build.platform, platform);
        assert.match(build.args.RUNNER_URL, own);
        assert.match(plan.outputs.runnerLabels.join(), own);
        assert.match(
          plan.only("Deployment").inputs.spec.template.spec.nodeSelector["kubernetes.io/arch"],
          own,
        );
        assert.doesNotMatch(
          JSON.stringify([plan.resources.map(({ inputs }) => inputs), plan.outputs]),
          foreign,
        );
      });
    }

    it("builds on the same base image, whose digest stands for both, to another tag", async () => {
      const plans = [await deployOn("linux/amd64"), await deployOn("linux/arm64")];
      const [amd64, arm64] = plans.map((plan) => plan.only("Image").inputs);
      assert.equal(amd64?.build.args.BASE_IMAGE, arm64?.build.args.BASE_IMAGE);
      assert.notEqual(amd64?.build.args.RUNNER_SHA256, arm64?.build.args.RUNNER_SHA256);
      assert.notEqual(amd64?.imageName, arm64?.imageName);
    });
  });
});
