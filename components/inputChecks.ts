import * as pulumi from "@pulumi/pulumi";
import { shown } from "./configProblems";
import { rules } from "./configRules";
import { environments } from "./labels";
import { refusal } from "./refusal";
import { type InputProblem, WrongInputs } from "./wrongInputs";

/** Whether this, or a part of it, is known only later, or is a secret. */
export const isOutput = (value: unknown): boolean =>
  Array.isArray(value) ? value.some(isOutput) : pulumi.Output.isInstance(value) || value instanceof Promise;

export const isUnset = (value: unknown): boolean => value === undefined || value === null || value === "";

export const notSet = (key: string): string => `is not set; an example is ${rules[key]?.example}`;

/** What is wrong with an environment's name. */
export function environmentProblems(environment: unknown): InputProblem[] {
  if (environments.some((one) => one === environment)) return [];
  const seen = isUnset(environment)
    ? "is not set"
    : isOutput(environment)
      ? "is an output or a secret"
      : `is ${JSON.stringify(environment)}`;
  return [{ propertyPath: "environment", reason: `${seen}: must be one of ${environments.join(", ")}` }];
}

/** What is wrong with a known value of a text, or of a list of texts, that must be set. @param secret never shown */
export function valueProblems(key: string, value: unknown, secret = false): InputProblem[] {
  const elements = Array.isArray(value)
    ? value.map((element, index) => [`${key}[${index}]`, element] as const)
    : [[key, value] as const];
  if (elements.length === 0) return [{ propertyPath: key, reason: notSet(key) }];
  return elements.flatMap(([propertyPath, element]) => {
    if (isUnset(element)) return [{ propertyPath, reason: notSet(key) }];
    const problem = typeof element === "string" ? rules[key]?.problem(element) : "must be of type string";
    const seen = typeof element === "string" ? element : JSON.stringify(element);
    return problem === undefined
      ? []
      : [{ propertyPath, reason: `is ${shown(key, seen, secret)}: ${problem}` }];
  });
}

/** An input that is checked when it is known, and used then. Its output fails with the message of WrongInputs. */
export function whenKnown<T>(
  component: string,
  key: string,
  input: pulumi.Input<T>,
  use: (value: T) => T = (value) => value,
): pulumi.Output<T> {
  const output = pulumi.output(input);
  return output.apply(async (value) => {
    const problems = valueProblems(key, value, await pulumi.isSecret(output));
    // Nobody catches what an output throws: the engine shows it, and of this kind of error the message alone.
    if (problems.length > 0) throw refusal(new WrongInputs(component, problems).message);
    return use(value as T);
  }) as pulumi.Output<T>;
}
