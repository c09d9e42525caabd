/** Property values as they cross the engine's border: plain JSON, with {@link UNKNOWN} for what a preview cannot know. */
export type Values = Record<string, unknown>;

/** The engine's marker for a value that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_VALUE = "1b47061264138c4ac30d75fd1eb44270";

/** Marks a value as secret for the engine, which then encrypts it in the state. */
export function secret(value: unknown): Values {
  return { [SECRET_SIGNATURE]: SECRET_VALUE, value };
}

/** One engine command (or one provider instance of it) that is connected to a stand-in. */
export interface Session {
  /** Aborted when the user cancels the command. */
  cancelled: AbortSignal;
  /** Shows a line to the person who runs the command; `status` lines replace each other. Never rejects. */
  log(message: string, options?: { urn?: string; status?: boolean; level?: "info" | "warning" }): void;
}

/** One operation on one resource. */
export interface Operation {
  urn: string;
  cancelled: AbortSignal;
  /** `customTimeouts` of the resource, in seconds; 0 when the program sets none. */
  timeoutSeconds: number;
  log: Session["log"];
}

/** What `check` may use to complete inputs. */
export interface CheckContext {
  /** The Pulumi name of the resource (last part of its URN). */
  name: string;
  /** Hexadecimal digits that stay the same for this resource within one command. */
  random: string;
  /** The inputs of the last deployment; undefined for a new resource. */
  oldInputs: Values | undefined;
}

/** A resource that exists in the service, as `read` found it. */
export interface Found {
  outputs: Values;
  /** The live values of the fields that the inputs named. */
  inputs: Values;
}

/** How one resource type behaves. */
export interface ResourceKind {
  /** Completes or validates inputs. Throws {@link InputError} for inputs that the real provider refuses. */
  check?(inputs: Values, context: CheckContext): Promise<Values> | Values;
  /** Outputs that only the service knows: unknown in the preview of a create. */
  computed: readonly string[];
  /** Outputs that an update may change: unknown in the preview of one. */
  recomputed?: readonly string[];
  /** Properties whose change means nothing, such as a fresh password for the same registry. */
  ignores?(path: string): boolean;
  /** Whether a change of this property (`spec.selector.matchLabels.app`) needs a new resource. */
  replaces(path: string, change: { oldInputs: Values; newInputs: Values }): boolean;
  /** Set where the new resource would collide with the old one. */
  deleteBeforeReplace?(newInputs: Values, oldInputs: Values): boolean;
  create(inputs: Values, operation: Operation): Promise<{ id: string; outputs: Values }>;
  /** Undefined when the resource is gone. */
  read(id: string, inputs: Values, state: Values): Promise<Found | undefined>;
  update(id: string, inputs: Values, state: Values, operation: Operation): Promise<Values>;
  delete(id: string, state: Values, operation: Operation): Promise<void>;
}

/** A provider after its configuration was accepted. */
export interface ConfiguredProvider {
  /** Throws for a type that the stand-in does not know. */
  resource(type: string): ResourceKind;
  /** Throws for a token that the stand-in does not know. */
  invoke(token: string, args: Values): Promise<Values>;
  /**
   * Makes a component of the package: registers what is under it and returns its outputs. Throws for a type that the stand-in does
   * not know.
   */
  construct?(type: string, name: string, inputs: Values, register: RegisterChild): Promise<Values>;
}

/** Registers a resource of another package, of that version, under a component. Resolves with its outputs. */
export type RegisterChild = (type: string, name: string, version: string, inputs: Values) => Promise<Values>;

/** A provider plugin's stand-in: what the engine attaches to instead of the plugin. */
export interface ProviderStandIn {
  /** Package name, such as `aws`. */
  name: string;
  /** Version of the Node package whose resources it answers for. */
  version: string;
  /** Called once per provider instance of an engine command. Throws when the real provider would refuse. */
  configure(settings: Values, session: Session): Promise<ConfiguredProvider>;
}

/** Inputs that the provider refuses before it does anything. */
export class InputError extends Error {
  constructor(
    readonly property: string,
    message: string,
  ) {
    super(message);
  }
}

/** The resource exists but did not become ready: the engine keeps it in the state and fails the command. */
export class InitializationError extends Error {
  constructor(
    readonly id: string,
    readonly outputs: Values,
    readonly inputs: Values,
    readonly reasons: string[],
  ) {
    super(`resource ${id} was applied but did not become ready: ${reasons.join("; ")}`);
  }
}

/** The error of a stand-in that was asked for something nobody taught it. */
export function notKnown(provider: string, what: string): Error {
  return new Error(
    `the ${provider} stand-in does not know ${what}; add it under local/providers/${provider}/`,
  );
}

export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The string at `key`; throws {@link InputError} when it is missing or not a string. */
export function requiredString(inputs: Values, key: string): string {
  const value = inputs[key];
  if (typeof value !== "string" || value === "") {
    throw new InputError(key, `Missing required property '${key}'`);
  }
  return value;
}
