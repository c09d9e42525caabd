import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { message, type Rule } from "../../../policy/plan";
import { rules } from "../../../policy/rules";
import { clusterCases } from "./cases/cluster";
import { credentialCases } from "./cases/credential";
import { environmentCases } from "./cases/environment";
import { externalSecretCases } from "./cases/externalSecrets";
import { imageCases } from "./cases/image";
import { loadBalancerCases } from "./cases/loadBalancer";
import { networkCases } from "./cases/network";
import { permissionCases } from "./cases/permissions";
import { podCases } from "./cases/pods";
import { Draft, type PlanName, plans, problemsOf } from "./draft";

const cases = [
  ...loadBalancerCases,
  ...credentialCases,
  ...externalSecretCases,
  ...podCases,
  ...permissionCases,
  ...networkCases,
  ...environmentCases,
  ...imageCases,
  ...clusterCases,
];

describe("the policy pack", () => {
  const drafts = new Map<PlanName, Draft>();

  before(async () => {
    for (const plan of Object.keys(plans) as PlanName[]) drafts.set(plan, await Draft.of(plan));
  });

  const messages = (rule: Rule, from: PlanName, change: (draft: Draft) => void = () => {}) => {
    const draft = drafts.get(from)?.copy();
    assert.ok(draft);
    change(draft);
    return problemsOf(rule, draft.resources).map(message);
  };

  it("has a name of its own for every rule, and a sentence", () => {
    assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
    for (const { name, description } of rules) {
      assert.match(name, /^[a-z]+(-[a-z]+)+$/);
      assert.match(description, /^[A-Z`].*\.$/);
    }
  });

  it("is described in docs/security.md rule by rule", () => {
    const security = readFileSync(join(__dirname, "../../../docs/security.md"), "utf8");
    for (const { name } of rules) assert.ok(security.includes(`\`${name}\``), name);
  });

  for (const rule of rules) {
    describe(rule.name, () => {
      const own = cases.filter((candidate) => candidate.rule === rule);

      it("has cases that it refuses", () => {
        assert.ok(own.some(({ refuses }) => refuses.length > 0));
      });

      for (const plan of Object.keys(plans) as PlanName[]) {
        it(`accepts the program's plan ${plan}`, () => assert.deepEqual(messages(rule, plan), []));
      }

      for (const { what, from = "stg", change } of own.flatMap(({ accepts }) => accepts)) {
        it(`accepts ${what}`, () => assert.deepEqual(messages(rule, from, change), []));
      }

      for (const { what, from = "stg", change, says } of own.flatMap(({ refuses }) => refuses)) {
        it(`refuses ${what}`, () => {
          const found = messages(rule, from, change);
          assert.notDeepEqual(found, [], "nothing was found");
          for (const text of found) {
            assert.match(text, says);
            assert.match(text, /^.+ is .+\. Allowed: .+\. [A-Z].+\.$/);
          }
        });
      }
    });
  }
});
