// biome-ignore-all lint/suspicious/noExplicitAny: a plan holds resources of any shape
import * as pulumi from "@pulumi/pulumi";
import type { MockCallArgs, MockResourceArgs, Mocks } from "@pulumi/pulumi/runtime";

/** A resource as the program registered it. */
export interface Recorded {
  urn: string;
  /** `aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule`. */
  type: string;
  name: string;
  /** Component or custom resource, never the stack. */
  custom: boolean;
  /** URN; "" for a resource without one. */
  parent: string;
  /** URN and id of the provider; "" for the default provider. */
  provider: string;
  /** Plain values: secrets unwrapped, unknown ones left out. */
  inputs: Record<string, any>;
  /** Inputs as the engine sees them, where a secret or unknown value is marked. */
  raw: Record<string, any>;
  /** Of the resource that is taken over instead of made; "" for a new one. */
  importId: string;
  /** URNs. */
  dependencies: string[];
  /** What else the resource may be called in the state: a whole URN, or what of it differs; "" for what does not. */
  aliases: { urn: string; spec?: { name: string; type: string; parenturn: string; noparent: boolean } }[];
  /** Whether a destroy leaves it alone. */
  retainOnDelete: boolean;
  /** Whether the engine refuses to delete it. */
  protect: boolean;
  /** As the engine writes durations; "" where none is set. */
  customTimeouts: { create: string; update: string; pb_delete: string };
}

/** Everything that one run of a program asked of the engine. */
export class Plan {
  readonly resources: Recorded[] = [];
  /** Data sources in the order of their calls. */
  readonly calls: MockCallArgs[] = [];
  /** The program's outputs with secrets and unknown values still wrapped. */
  outputs: Record<string, any> = {};

  /** Every resource whose type is `type`, or ends in it after a colon: `Deployment`. */
  ofType(type: string): Recorded[] {
    return this.resources.filter((resource) => resource.type === type || resource.type.endsWith(`:${type}`));
  }

  /** The only resource of a type. @throws Error when there are none or several */
  only(type: string): Recorded {
    const [only, ...others] = this.ofType(type);
    if (only === undefined || others.length > 0) {
      throw new Error(`${others.length + (only ? 1 : 0)} resources of type ${type}, expected 1`);
    }
    return only;
  }

  /** Everything that decides what the engine does, to compare two plans; the order of registration is not part of it. */
  toJSON(): unknown {
    return this.resources
      .map(({ urn, parent, provider, raw, importId, customTimeouts }) => ({
        urn,
        parent,
        provider,
        raw,
        importId,
        customTimeouts,
      }))
      .sort((a, b) => a.urn.localeCompare(b.urn));
  }
}

/** What the mocked cloud answers: results of data sources by token, and the outputs that providers compute. */
export interface Cloud {
  call(args: MockCallArgs): Record<string, any>;
  outputs?(args: MockResourceArgs): Record<string, any>;
}

export interface RunOptions {
  stack?: string;
  config?: Record<string, string>;
  secretKeys?: string[];
  /** A preview of a stack that does not exist yet: what providers compute is unknown. */
  preview?: boolean;
  /** Called with the type or token of everything asked of the engine, also by a program that fails later. */
  observe?: (typeOrToken: string) => void;
}

const { isRpcSecret, unwrapRpcSecret, unknownValue } = pulumi.runtime;

/** Whether `value`, of `Recorded.raw`, reached the engine marked as secret. */
export const isSecret = (value: any): boolean => isRpcSecret(value);

/** Whether `value`, of `Recorded.raw`, reached the engine as not yet known. */
export const isUnknown = (value: any): boolean => value === unknownValue;

/** Runs `program` without an engine and records what it registers. Rejects as the program does. */
export async function run(
  program: () => unknown,
  cloud: Cloud,
  { stack = "stg", config = {}, secretKeys = [], preview = false, observe = () => {} }: RunOptions = {},
): Promise<Plan> {
  const plan = new Plan();
  const mocks: Mocks = {
    call: (args) => {
      observe(args.token);
      plan.calls.push(args);
      return cloud.call(args);
    },
    newResource: (args) => {
      if (args.type !== "pulumi:pulumi:Stack") observe(args.type);
      // A component of another package has outputs that its provider computes, as a resource has.
      const computed = preview ? {} : cloud.outputs?.(args);
      return {
        id: args.custom && !preview ? `${args.name}-id` : undefined,
        state: { ...args.inputs, ...computed },
      };
    },
  };
  await pulumi.runtime.setMocks(mocks, "digdag-runner", stack, preview);
  pulumi.runtime.setAllConfig(config, secretKeys);
  recordRegistrations(plan);
  try {
    plan.outputs = (await pulumi.runtime.runInPulumiStack(async () => program())) ?? {};
  } finally {
    await pulumi.runtime.disconnect();
  }
  return plan;
}

/** Listens between the SDK and its mocked engine, where the parent, the provider and the marks can still be seen. */
function recordRegistrations(plan: Plan): void {
  const monitor = pulumi.runtime.getMonitor() as any;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: any, callback: (error: unknown, response: any) => void) =>
    register(request, (error: unknown, response: any) => {
      if (!error && request.getType() !== "pulumi:pulumi:Stack") {
        const raw = request.getObject()?.toJavaScript() ?? {};
        const timeouts = request.getCustomtimeouts();
        plan.resources.push({
          urn: response.getUrn(),
          type: request.getType(),
          name: request.getName(),
          custom: request.getCustom(),
          parent: request.getParent(),
          provider: request.getProvider(),
          inputs: plain(raw),
          raw,
          importId: request.getImportid(),
          dependencies: request.getDependenciesList(),
          aliases: request.getAliasesList().map((alias: any) => alias.toObject()),
          retainOnDelete: request.getRetainondelete(),
          protect: request.getProtect(),
          customTimeouts: timeouts?.toObject() ?? { create: "", update: "", pb_delete: "" },
        });
      }
      callback(error, response);
    });
}

/** `value`, of `Recorded.raw`, without marks: secrets unwrapped, and `unknown` in place of what is not known yet. */
export function plain(value: any, unknown?: unknown): any {
  if (isUnknown(value)) return unknown;
  if (isRpcSecret(value)) return plain(unwrapRpcSecret(value), unknown);
  if (Array.isArray(value)) return value.map((inner) => plain(inner, unknown));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner, unknown)]));
}
