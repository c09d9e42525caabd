// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import assert from "node:assert/strict";
import type { PlanResource, Problem, Rule } from "../../../policy/plan";
import { Place, unknown, type Value } from "../../../policy/values";
import { deploy } from "../components/account";
import { plain, type RunOptions } from "../mocks";

/** What a case starts from: a plan of the whole program. */
export const plans = {
  stg: {},
  preview: { preview: true },
  podPerJob: { config: { "digdag-runner:podPerJob": "true" } },
  externalSecrets: {
    config: {
      "digdag-runner:secretDelivery": "externalSecrets",
      "digdag-runner:secretStoreRoleArn": "arn:aws:iam::123456789012:role/secrets",
    },
  },
  settings: { config: { "digdag-runner:manageGitHubSettings": "true" } },
  organization: {
    config: {
      "digdag-runner:manageGitHubSettings": "true",
      "digdag-runner:githubRepository": "",
      "digdag-runner:runnerGroupRepositories": '["digdag-workflows"]',
      "digdag-runner:runnerGroupWorkflows":
        '["example-org/digdag-workflows/.github/workflows/deploy.yml@refs/heads/main"]',
    },
  },
  newCluster: {
    preview: true,
    config: {
      "digdag-runner:clusterName": "new",
      "digdag-runner:createCluster": "true",
      "digdag-runner:clusterSubnetIds": '["subnet-0000000a","subnet-0000000b"]',
      "digdag-runner:clusterPublicAccessCidrs": '["203.0.113.0/24"]',
    },
  },
  prd: { stack: "prd", config: { "digdag-runner:manageGitHubSettings": "true" } },
} satisfies Record<string, RunOptions>;

export type PlanName = keyof typeof plans;

interface Entry {
  urn: string;
  type: string;
  name: string;
  inputs: any;
  outputs?: any;
}

/** What the engine would show to a policy: no marks of secrets, but what is not known yet. */
const shown = (raw: any): Value => plain(raw, unknown);

/** A plan that a test may change before rules look at it. */
export class Draft {
  private constructor(
    private readonly entries: Entry[],
    readonly stack: string,
  ) {}

  static async of(plan: PlanName): Promise<Draft> {
    const options: RunOptions = plans[plan];
    const { resources } = await deploy(undefined, options);
    return new Draft(
      resources.map(({ urn, type, name, raw }) => ({ urn, type, name, inputs: shown(raw) })),
      options.stack ?? "stg",
    );
  }

  /** A draft that can be changed without changing this one. */
  copy(): Draft {
    const copied = (value: any): any => {
      if (Array.isArray(value)) return value.map(copied);
      if (value === null || typeof value !== "object") return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)]));
    };
    return new Draft(this.entries.map(copied), this.stack);
  }

  /** Inputs of the first resource of a kind, such as `Deployment`. */
  inputs(kind: string): any {
    const entry = this.entries.find(({ type }) => type.endsWith(`:${kind}`));
    assert.ok(entry, `the plan has no ${kind}`);
    return entry.inputs;
  }

  /** Inputs of the service account of a name. */
  account(name: string): any {
    const named = ({ type, inputs }: Entry) =>
      type.endsWith(":ServiceAccount") && inputs.metadata.name === name;
    const entry = this.entries.find(named);
    assert.ok(entry, `the plan has no service account ${name}`);
    return entry.inputs;
  }

  get pod(): any {
    return this.inputs("Deployment").spec.template.spec;
  }

  get broker(): any {
    return this.pod.initContainers[0];
  }

  get runner(): any {
    return this.pod.containers[0];
  }

  /** Sets an environment variable of a container. */
  setVariable(container: any, name: string, value: unknown): void {
    const others = container.env.filter((entry: any) => entry.name !== name);
    container.env = [...others, { name, value }];
  }

  /** A resource of the same program that is none of ours. */
  add(type: string, inputs: object, outputs: object = inputs): void {
    const name = `other-${this.entries.length}`;
    this.entries.push({ urn: this.urn(type, name), type, name, inputs, outputs });
  }

  /** A resource that one of our components made. */
  addOwn(type: string, inputs: object): void {
    const name = `own-${this.entries.length}`;
    const chain = `digdag-runner:index:DigdagRunner$digdag-runner:index:RunnerDeployment$${type}`;
    this.entries.push({ urn: this.urn(chain, name), type, name, inputs });
  }

  remove(kind: string): void {
    const index = this.entries.findIndex(({ type }) => type.endsWith(`:${kind}`));
    assert.ok(index >= 0, `the plan has no ${kind}`);
    this.entries.splice(index, 1);
  }

  /** The same program, in a stack of another name. */
  renameStack(stack: string): void {
    for (const entry of this.entries) {
      entry.urn = entry.urn.replace(`urn:pulumi:${this.stack}::`, `urn:pulumi:${stack}::`);
    }
  }

  get resources(): PlanResource[] {
    return this.entries.map(({ inputs, outputs, ...rest }) => ({
      ...rest,
      inputs: new Place(inputs),
      outputs: new Place(outputs ?? inputs),
    }));
  }

  private urn(type: string, name: string): string {
    return `urn:pulumi:${this.stack}::digdag-runner::${type}::${name}`;
  }
}

/** What a rule finds in a whole plan. */
export function problemsOf(rule: Rule, resources: PlanResource[]): Problem[] {
  return "resource" in rule ? resources.flatMap(rule.resource) : rule.stack(resources);
}
