import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { awsTags } from "../../../components/identity";
import { type Plan, run } from "../mocks";
import { account, deploy } from "./account";

const owner = { environment: "stg", githubOwner: "example-org", githubRepository: "digdag-workflows" };

/** Also with a cluster that the stack made. */
const from = account({ clusters: { "digdag-stg": {}, new: { tags: awsTags(owner) } } });

const newCluster = {
  "digdag-runner:clusterName": "new",
  "digdag-runner:createCluster": "true",
  "digdag-runner:clusterSubnetIds": '["subnet-0000000a", "subnet-0000000b"]',
  "digdag-runner:clusterPrivateEndpoint": "true",
};

/** Configurations that have every resource among them. */
const configurations: Record<string, string>[] = [
  { "digdag-runner:podPerJob": "true" },
  { ...newCluster, "digdag-runner:clusterAdminRoleArns": '["arn:aws:iam::123456789012:role/admin"]' },
  { ...newCluster, "digdag-runner:clusterAutoMode": "true" },
  {
    "digdag-runner:secretDelivery": "externalSecrets",
    "digdag-runner:secretStoreRoleArn": "arn:aws:iam::123456789012:role/digdag-runner-stg-secrets",
  },
  { "digdag-runner:manageGitHubSettings": "true", "digdag-runner:deploymentBranches": '["main"]' },
  {
    "digdag-runner:manageGitHubSettings": "true",
    "digdag-runner:githubRepository": "",
    "digdag-runner:runnerGroupRepositories": '["digdag-workflows", "reports"]',
    "digdag-runner:runnerGroupWorkflows":
      '["example-org/digdag-workflows/.github/workflows/deploy.yml@refs/heads/main"]',
  },
];

const file = "urns.txt";
const known = readFileSync(join(__dirname, file), "utf8").trim().split("\n");

const urnOf = (types: string, name: string) => `urn:pulumi:stg::digdag-runner::${types}::${name}`;
const typesIn = (urn: string) => urn.split("::")[2] ?? "";
const nameIn = (urn: string) => urn.slice(`${urnOf(typesIn(urn), "")}`.length);

/**
 * The URNs that the engine looks for in the state, for every resource of a plan: first the one that it has now. The mocks
 * make others, of a parent's last type alone.
 */
function urnsByResource({ resources }: Plan): string[][] {
  const known = new Map<string, string[]>();
  // A parent is registered before its children, but for the stack, which takes no part in a URN.
  for (const { urn, type, name, parent, aliases } of resources) {
    const parentNow = known.get(parent)?.[0];
    const urns = [{ urn: "", spec: undefined }, ...aliases].flatMap((alias) => {
      if (alias.urn) return [alias.urn];
      const above = alias.spec?.noparent ? undefined : known.get(alias.spec?.parenturn || parent);
      const ownName = alias.spec?.name || name;
      const ownType = alias.spec?.type || type;
      if (!above) return [urnOf(ownType, ownName)];
      return above.map((parentUrn) => {
        // A name that begins with its parent's follows the parent's other name.
        const before = parentNow && ownName.startsWith(nameIn(parentNow)) ? nameIn(parentNow) : "";
        const rest = ownName.slice(before.length);
        return urnOf(`${typesIn(parentUrn)}$${ownType}`, (before && nameIn(parentUrn)) + rest);
      });
    });
    known.set(urn, urns);
  }
  return [...known.values()];
}

const urnsOf = (plans: readonly Plan[]) => [
  ...new Set(plans.flatMap(urnsByResource).map(([urn]) => urn as string)),
];

/** Those of `urns` whose resource the engine would delete, because nothing in the plans has or had that URN. */
function gone(urns: readonly string[], plans: readonly Plan[]): string[] {
  const kept = new Set(plans.flatMap(urnsByResource).flat());
  return urns.filter((urn) => !kept.has(urn));
}

/** A program with one component and its child, as an older version of it named them, or the newer. */
const program = (component: string, child: string, options: pulumi.ComponentResourceOptions) => () => {
  const parent = new pulumi.ComponentResource("example:index:Parent", component, {}, options);
  new pulumi.ComponentResource("example:index:Child", `${component}-${child}`, {}, { parent });
};

describe("the URNs of the resources", () => {
  it("are those that stacks in use have, or have them as aliases: another name replaces a resource", async () => {
    const plans = [];
    for (const config of configurations) plans.push(await deploy(from, { config }));
    assert.deepEqual(
      gone(known, plans).map((urn) => `${urn}: give what replaces it this URN in its option aliases`),
      [],
    );
    const added = urnsOf(plans).filter((urn) => !known.includes(urn));
    assert.deepEqual(
      added.map((urn) => `${urn}: add it to ${file}; it cannot be renamed without aliases from then on`),
      [],
    );
  });

  it("are missed where a resource was renamed without an alias, and not where it has one", async () => {
    const nobody = { call: () => ({}) };
    const before = urnsOf([await run(program("old", "child", {}), nobody)]);
    const renamed = await run(program("new", "child", {}), nobody);
    assert.deepEqual(gone(before, [renamed]), before);
    const aliased = await run(program("new", "child", { aliases: [{ name: "old" }] }), nobody);
    assert.deepEqual(gone(before, [aliased]), []);
  });
});
