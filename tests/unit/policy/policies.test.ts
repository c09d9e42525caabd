import assert from "node:assert/strict";
import {
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  type StackValidationArgs,
  type StackValidationPolicy,
  unknownCheckingProxy,
} from "@pulumi/policy";
import { runtime } from "@pulumi/pulumi";
import { must, type PlanResource, type Rule } from "../../../policy/plan";
import { policiesOf } from "../../../policy/policies";
import { Place, plain, show, unknown } from "../../../policy/values";

const { unknownValue } = runtime;

describe("a value of a resource", () => {
  it("is read as the engine hands it over, with what is not known yet marked and not thrown", () => {
    const given = {
      image: unknownValue,
      spec: { replicas: 2, names: ["a", unknownValue], empty: null, nested: { deep: unknownValue } },
    };
    assert.deepEqual(plain(unknownCheckingProxy(given)), {
      image: unknown,
      spec: { replicas: 2, names: ["a", unknown], empty: null, nested: { deep: unknown } },
    });
  });

  it("does not hide an error that is not about unknown values", () => {
    const broken = Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw new Error("broken");
      },
    });
    assert.throws(() => plain(broken), /broken/);
  });

  it("says where it is", () => {
    const whole = new Place({ metadata: { labels: { "a.b/c": "d" } }, list: [{ x: 1 }] });
    assert.equal(whole.get("metadata", "labels", "a.b/c").path, 'metadata.labels["a.b/c"]');
    assert.equal(whole.get("list").items[0]?.get("x").path, "list[0].x");
  });

  it("is unknown below what is unknown, and not there below what is not", () => {
    const whole = new Place({ spec: unknown, list: "text" });
    assert.ok(whole.get("spec", "template", "spec").isUnknown);
    assert.equal(whole.get("other", "deep").isSet, false);
    assert.equal(whole.get("list", "length").isSet, false);
    assert.deepEqual([whole.get("list").items, whole.get("spec").items], [[], []]);
  });

  it("is shown in one line that is not too long", () => {
    assert.equal(show(undefined), "not set");
    assert.equal(show({ a: unknown, b: "c" }), '{"a":"(not known yet)","b":"c"}');
    assert.ok(show("x".repeat(1000)).length <= 120);
  });

  it("is shown without what looks like a secret, even cut off", () => {
    const token = `ghp_${"A1b2".repeat(9)}`;
    assert.equal(
      show({ url: `http://me:hunter2@example.com/${token}` }),
      '{"url":"http://(not shown)@example.com/(not shown)"}',
    );
    const key = `-----BEGIN RSA PRIVATE KEY-----\n${"MIIE".repeat(500)}\n-----END RSA PRIVATE KEY-----`;
    assert.doesNotMatch(show(["x".repeat(60), key, token]), /MIIE|A1b2/);
  });
});

describe("a rule as a policy of the engine", () => {
  const colour: Rule = {
    name: "colour",
    description: "Things are green.",
    resource: ({ inputs }) =>
      must(inputs.get("colour"), (value) => value === "green", '"green"', "Paint it."),
  };

  const resourceArgs = (urn: string, props: object) =>
    ({ urn, type: "a:b:C", name: "c", props: unknownCheckingProxy(props) }) as ResourceValidationArgs;

  async function validated(
    policy: ResourceValidationPolicy,
    args: ResourceValidationArgs,
  ): Promise<string[]> {
    const found: string[] = [];
    assert.ok(typeof policy.validateResource === "function");
    await policy.validateResource(args, (told) => found.push(String(told)));
    return found;
  }

  it("reports each problem as an instruction", async () => {
    const [policy] = policiesOf([colour]) as [ResourceValidationPolicy];
    assert.deepEqual(await validated(policy, resourceArgs("urn:1", { colour: "red" })), [
      'colour is "red". Allowed: "green". Paint it.',
    ]);
    assert.deepEqual(await validated(policy, resourceArgs("urn:1", { colour: "green" })), []);
  });

  it("says nothing of what a preview does not know, and judges it when it is known", async () => {
    const [policy] = policiesOf([colour]) as [ResourceValidationPolicy];
    assert.deepEqual(await validated(policy, resourceArgs("urn:1", { colour: unknownValue })), []);
    assert.equal((await validated(policy, resourceArgs("urn:1", { colour: "red" }))).length, 1);
  });

  it("shows a stack rule the inputs that were registered beside the outputs, or the outputs alone", async () => {
    const seen: PlanResource[] = [];
    const all: Rule = {
      name: "all",
      description: "Everything.",
      stack: (resources) => {
        seen.push(...resources);
        return [{ urn: "urn:1", path: "", seen: "wrong", allowed: "right", remedy: "Correct it." }];
      },
    };
    const [first, last] = policiesOf([colour, all]) as [ResourceValidationPolicy, StackValidationPolicy];
    await validated(first, resourceArgs("urn:1", { colour: "green" }));
    const resource = (urn: string) => ({
      urn,
      type: "a:b:C",
      name: "c",
      props: unknownCheckingProxy({ id: unknownValue }),
    });
    const found: unknown[] = [];
    await last.validateStack(
      { resources: [resource("urn:1"), resource("urn:2")] } as unknown as StackValidationArgs,
      (...told) => found.push(told),
    );
    assert.deepEqual(
      seen.map(({ inputs, outputs }) => [inputs.value, outputs?.value]),
      [
        [{ colour: "green" }, { id: unknown }],
        [{ id: unknown }, { id: unknown }],
      ],
    );
    assert.deepEqual(found, [["It is wrong. Allowed: right. Correct it.", "urn:1"]]);
  });
});
