import type { Policies, ResourceValidationArgs } from "@pulumi/policy";
import { message, type PlanResource, type Rule } from "./plan";
import { Place, plain } from "./values";

/** Makes policies for the engine of rules, which know nothing of it. */
export function policiesOf(rules: Rule[]): Policies {
  // A stack policy is shown outputs alone, in which a provider may have mixed what others did; so the inputs are kept.
  const inputs = new Map<string, Place>();
  const registered = (args: ResourceValidationArgs): PlanResource => {
    const known = new Place(plain(args.props));
    inputs.set(args.urn, known);
    return { urn: args.urn, type: args.type, name: args.name, inputs: known };
  };
  return rules.map((rule) => {
    const { name, description } = rule;
    if ("resource" in rule) {
      return {
        name,
        description,
        validateResource: (args, reportViolation) => {
          for (const problem of rule.resource(registered(args))) reportViolation(message(problem));
        },
      };
    }
    return {
      name,
      description,
      validateStack: (args, reportViolation) => {
        const resources = args.resources.map(({ urn, type, name: resource, props }): PlanResource => {
          const outputs = new Place(plain(props));
          return { urn, type, name: resource, inputs: inputs.get(urn) ?? outputs, outputs };
        });
        for (const problem of rule.stack(resources)) reportViolation(message(problem), problem.urn);
      },
    };
  });
}
