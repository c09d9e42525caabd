import { type Place, show, type Value } from "./values";

/** A resource as the program registered it. */
export interface PlanResource {
  urn: string;
  /** `kubernetes:apps/v1:Deployment`. */
  type: string;
  name: string;
  inputs: Place;
  /** What the provider made of it; known to stack rules only. */
  outputs?: Place;
}

/** Something that breaks a rule. */
export interface Problem {
  /** Where in the resource; empty for the resource as a whole. */
  path: string;
  /** Never a secret. */
  seen: string;
  /** Follows "Allowed: ". */
  allowed: string;
  /** A sentence that says what to do. */
  remedy: string;
}

/** A problem and the resource that it is a problem of. */
export interface StackProblem extends Problem {
  urn: string;
}

/** A rule that can be judged by one resource: broken, that resource is not created. */
export interface ResourceRule {
  name: string;
  /** The invariant in one sentence. */
  description: string;
  resource: (resource: PlanResource) => Problem[];
}

/** A rule that takes all resources to judge. It runs at the end of a preview, and at the end of an update. */
export interface StackRule {
  name: string;
  /** The invariant in one sentence. */
  description: string;
  stack: (resources: PlanResource[]) => StackProblem[];
}

export type Rule = ResourceRule | StackRule;

/** A problem as it is told to a person. */
export function message({ path, seen, allowed, remedy }: Problem): string {
  return `${path === "" ? "It" : path} is ${seen}. Allowed: ${allowed}. ${remedy}`;
}

/** The one problem of a place whose value is not acceptable; none when it is, or is unknown. */
export function must(
  place: Place,
  accepts: (value: Value) => boolean,
  allowed: string,
  remedy: string,
): Problem[] {
  if (place.isUnknown || accepts(place.value)) return [];
  return [{ path: place.path, seen: show(place.value), allowed, remedy }];
}

/** `urn:pulumi:STACK::PROJECT::PARENTTYPE$TYPE::NAME`. */
const urnParts = (urn: string) => urn.split("::");

/** Name of the stack that a resource belongs to. */
export const stackOf = ({ urn }: PlanResource): string =>
  (urnParts(urn)[0] ?? "").replace(/^urn:pulumi:/, "");

/** Whether a resource is one of this product's components, or was made by one. */
export const isOwn = ({ urn }: PlanResource): boolean =>
  (urnParts(urn)[2] ?? "").split("$").some((type) => type.startsWith("digdag-runner:index:"));

/** `Deployment` of `kubernetes:apps/v1:Deployment` and of `…:DeploymentPatch`; undefined for other providers. */
export function kindOf({ type }: PlanResource): string | undefined {
  return /^kubernetes:.*:(\w+?)(?:Patch)?$/.exec(type)?.[1];
}

/** This product's objects of a kind, as `NAMESPACE/NAME`. */
export function ownObjects(resources: PlanResource[], kind: string): Set<string> {
  const objects = resources.filter((resource) => isOwn(resource) && kindOf(resource) === kind);
  return new Set(
    objects.map(({ inputs }) => {
      const metadata = inputs.get("metadata");
      return `${metadata.get("namespace").text}/${metadata.get("name").text}`;
    }),
  );
}

/** Namespaces that hold this product's runners. */
export function ownNamespaces(resources: PlanResource[]): Set<string> {
  const names = resources
    .filter(isOwn)
    .map((resource) =>
      resource.inputs.get("metadata", kindOf(resource) === "Namespace" ? "name" : "namespace"),
    );
  return new Set(names.flatMap(({ text }) => text ?? []));
}
