import * as pulumi from "@pulumi/pulumi";

/**
 * The error to throw for what a person has to change: the engine shows its message alone.
 * Without a stack, because the SDK renders every uncaught error's stack even where it shows only the message, and
 * Node 20 takes half a minute to colour one with frames of the SDK's source maps (`node_modules/@pulumi/resource.ts`).
 */
export function refusal(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}
