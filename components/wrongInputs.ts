import * as pulumi from "@pulumi/pulumi";
import { notShown } from "./configProblems";

/** One input of a component that cannot be used. */
export interface InputProblem {
  /** `replicas`, `natAddresses[0]`. */
  propertyPath: string;
  /** What is wrong and what is allowed, to follow the path in a sentence; with the value seen unless it may be a secret. */
  reason: string;
}

/** Every wrong input of one component, in one message that can be read wherever it is shown. */
export class WrongInputs extends pulumi.InputPropertiesError {
  constructor(
    readonly component: string,
    readonly problems: InputProblem[],
  ) {
    const lines = problems.map(({ propertyPath, reason }) => `  - ${propertyPath} ${reason}`);
    super({ message: [`${headline(component, problems)}:`, ...lines].join("\n"), errors: problems });
    this.stack = this.message; // a stack says nothing to whoever gave the inputs, and takes long to render: see refusal.ts
  }

  /**
   * The same for a caller across the engine, which writes beside each path the value it was given, whatever it is: what may
   * be a secret is therefore said in the message and has no path.
   */
  forEngine(): pulumi.InputPropertiesError {
    const hidden = ({ reason }: InputProblem) => reason.includes(notShown);
    const lines = this.problems
      .filter(hidden)
      .map(({ propertyPath, reason }) => `\n\t\t- ${propertyPath} ${reason}`);
    return new pulumi.InputPropertiesError({
      message: headline(this.component, this.problems) + lines.join(""),
      errors: this.problems.filter((problem) => !hidden(problem)),
    });
  }
}

const headline = (component: string, { length }: InputProblem[]) =>
  `${length === 1 ? "an input" : `${length} inputs`} of ${component} cannot be used`;
