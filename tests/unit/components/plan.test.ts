// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import assert from "node:assert/strict";
import fc from "fast-check";
import { formsOf } from "../../hidden";
import { isSecret, type Plan, plain, type Recorded } from "../mocks";
import { deploy, digest, gitHubToken, registryPassword } from "./account";
import { type Case, cases } from "./planFixture";

/** Drawn anew in every run; as many as take a second or two. */
const CASES = 10;

/** A value of a plan with the names that lead to it: `spec`, `containers`, `0`, `image`. */
interface Leaf {
  path: string[];
  value: unknown;
  secret: boolean;
}

function leaves(value: any, path: string[] = [], secret = false): Leaf[] {
  if (isSecret(value)) return leaves(plain(value), path, true);
  if (value === null || typeof value !== "object") return [{ path, value, secret }];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key], secret));
}

const isComponent = ({ type }: Recorded) => type.startsWith("digdag-runner:index:");
const isProvider = ({ type }: Recorded) => type.startsWith("pulumi:providers:");
const isRule = ({ type }: Recorded) => /SecurityGroup(Ingress|Egress)?Rule$/.test(type);

describe("the whole plan, of any configuration", function () {
  this.timeout(60_000);
  const plans: { plan: Plan; of: Case }[] = [];

  before(async () => {
    for (const of of fc.sample(cases, CASES)) {
      plans.push({ plan: await deploy(of.from, of), of });
    }
  });

  /** Asks every plan; a failure names the configuration. */
  const ofEach = (question: (plan: Plan, of: Case) => void) => () => {
    for (const { plan, of } of plans) {
      try {
        question(plan, of);
      } catch (error) {
        const { stack, config, from, sources } = of;
        const told = JSON.stringify({ stack, config, natGateways: from.natGateways, sources });
        throw new Error(`${(error as Error).message}\nin the stack of ${told}`, { cause: error });
      }
    }
  };

  it(
    "has components and providers below the stack, and everything else below one of the components",
    ofEach(({ resources }) => {
      const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
      for (const resource of resources) {
        const parent = byUrn.get(resource.parent);
        if (parent) assert.ok(isComponent(parent), `${resource.name} is below ${parent.name}`);
        else {
          assert.match(resource.parent, /pulumi:pulumi:Stack::/, resource.name);
          assert.ok(isComponent(resource) || isProvider(resource), `${resource.name} has no component`);
        }
        if (parent) assert.ok(resource.name.startsWith(`${parent.name}-`), resource.name);
      }
      assert.equal(byUrn.size, resources.length, "two resources have one URN");
    }),
  );

  it(
    "opens Digdag to each source by one rule, and to nothing else",
    ofEach((plan, { sources }) => {
      const rules = plan.resources.filter(isRule).map(({ inputs }) => inputs);
      const admitted = rules.map(({ cidrIpv4, referencedSecurityGroupId }) =>
        String(cidrIpv4 ?? referencedSecurityGroupId),
      );
      assert.deepEqual(admitted.sort(), sources);
      for (const rule of rules) {
        const of = Object.keys(rule).filter((key) => /^cidr|^prefix|^referenced/.test(key));
        assert.equal(of.length, 1, `one rule admits by ${of}`);
        assert.deepEqual([rule.ipProtocol, rule.fromPort], ["tcp", rule.toPort]);
      }
    }),
  );

  it(
    "lets nothing in from everywhere, in AWS or in the cluster",
    ofEach(({ resources }) => {
      for (const { name, type, raw } of resources) {
        for (const { path, value } of leaves(raw)) {
          const incoming = type.startsWith("aws:") || path.includes("ingress");
          if (incoming) assert.doesNotMatch(String(value), /^(0\.0\.0\.0|::)\/0$/, `${name}: ${path}`);
        }
      }
    }),
  );

  it(
    "runs images by digest, and builds on one by digest",
    ofEach((plan) => {
      const images = plan.resources.flatMap(({ name, raw }) =>
        leaves(raw).flatMap(({ path, value }) =>
          /^(image|BASE_IMAGE)$/.test(path.at(-1) ?? "") ? [{ name, value }] : [],
        ),
      );
      assert.equal(images.length, 3, "broker, runner and base image");
      for (const { name, value } of images) assert.match(String(value), /@sha256:[0-9a-f]{64}$/, name);
      assert.ok(plan.outputs.imageReference.endsWith(`@${digest}`));
    }),
  );

  it(
    "shows no credential in the clear, in whatever property or output",
    ofEach((plan, { credential }) => {
      const forms = [credential, registryPassword, gitHubToken].flatMap(formsOf);
      const seen = [
        ...plan.resources.map(({ name, raw }) => ({ name, raw })),
        { name: "outputs", raw: plan.outputs },
      ];
      for (const { name, raw } of seen) {
        for (const { path, value, secret } of leaves(raw)) {
          if (secret) continue;
          for (const form of forms) assert.ok(!String(value).includes(form), `${name} shows it in ${path}`);
        }
      }
    }),
  );

  it(
    "marks whatever may hold a credential as secret",
    ofEach(({ resources }, { config }) => {
      const holding = resources.flatMap(({ name, type, raw }) =>
        leaves(raw)
          .filter(
            ({ path }) =>
              path.at(-1) === "password" ||
              (type.endsWith(":Secret") && /^(stringData|data)$/.test(path[0] ?? "")),
          )
          .map((leaf) => ({ name, ...leaf })),
      );
      const byOperator = config["digdag-runner:secretDelivery"] === "externalSecrets";
      assert.equal(
        holding.length,
        byOperator ? 1 : 2,
        "the registry's login and, unless the operator makes it, the Secret",
      );
      for (const { name, path, secret } of holding) assert.ok(secret, `${name}: ${path} is not secret`);
    }),
  );

  it(
    "tags everything in AWS that can be tagged with stack and owner",
    ofEach(({ resources }, { stack, config }) => {
      const repository = config["digdag-runner:githubRepository"] ?? "digdag-workflows";
      const owner = ["example-org", repository].filter(Boolean).join("/");
      const untaggable = /:(LifecyclePolicy|RolePolicyAttachment|AccessPolicyAssociation)$/;
      const inAws = resources.filter(({ type }) => type.startsWith("aws:") && !untaggable.test(type));
      assert.ok(inAws.length >= 2);
      for (const { name, inputs } of inAws) {
        const { "digdag-runner:stack": ofStack, "digdag-runner:owner": ofOwner } = inputs.tags ?? {};
        assert.deepEqual([ofStack, ofOwner], [stack, owner], name);
      }
    }),
  );

  it(
    "makes runners last and removes them first: they depend on rules, credential, policy and namespace",
    ofEach((plan) => {
      const waitedFor = new Set<string>();
      const follow = (urn: string) => {
        const resource = plan.resources.find((one) => one.urn === urn);
        // What a component depends on, everything in it waits for.
        for (const next of resource ? [...resource.dependencies, resource.parent] : []) {
          if (!waitedFor.has(next)) {
            waitedFor.add(next);
            follow(next);
          }
        }
      };
      follow(plan.only("Deployment").urn);
      const needed = plan.resources.filter(
        (one) =>
          isRule(one) || /:(Secret|ExternalSecret|NetworkPolicy|Namespace|ServiceAccount)$/.test(one.type),
      );
      for (const { name, urn } of needed) assert.ok(waitedFor.has(urn), name);
    }),
  );

  it(
    "keeps every object of the cluster in the stack's namespace, or names it after that",
    ofEach(({ resources }, { stack, config }) => {
      const own = config["digdag-runner:namespace"] ?? `digdag-runner-${stack}`;
      // What sets up a new cluster itself is the cluster's own.
      const objects = resources.filter(
        ({ type, parent }) => type.startsWith("kubernetes:") && !parent.includes(":RunnerCluster::"),
      );
      for (const { name, type, inputs } of objects) {
        const { namespace, name: called, labels } = inputs.metadata;
        if (type.endsWith(":Namespace")) assert.equal(called, own);
        else assert.ok(namespace === own || called.startsWith(`${own}-`), name);
        assert.equal(labels["app.kubernetes.io/instance"], stack, name);
      }
    }),
  );

  it("is the same plan again, in whichever order AWS lists what it has", async () => {
    const reversed = <T>(object: Record<string, T>) => Object.fromEntries(Object.entries(object).reverse());
    for (const { plan, of } of plans.slice(0, CASES / 2)) {
      const { natGateways, loadBalancers } = of.from;
      const from = { ...of.from, natGateways: reversed(natGateways), loadBalancers: reversed(loadBalancers) };
      const again = await deploy(from, of);
      assert.deepEqual(again.toJSON(), plan.toJSON());
      assert.deepEqual(again.outputs, plan.outputs);
    }
  });
});
