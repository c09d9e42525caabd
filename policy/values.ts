import { UnknownValueError } from "@pulumi/policy";
import { withoutSecrets } from "./secrets";

/** What a preview cannot know yet. Nothing is said about it; the same rule looks again during `pulumi up`. */
export const unknown: unique symbol = Symbol("not known before pulumi up");

/** A property as the engine knows it, whether it is marked as secret or not. */
export type Value =
  | string
  | number
  | boolean
  | null
  | typeof unknown
  | Value[]
  | { [key: string]: Value }
  | undefined;

const isRecord = (value: Value): value is { [key: string]: Value } =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** A value of a resource, and where it lies in it. */
export class Place {
  /**
   * @param value undefined when there is nothing at this place
   * @param path `spec.containers[0].image`; empty for the whole resource
   * @param key the property's own name; empty for the whole resource and for elements of a list
   */
  constructor(
    readonly value: Value,
    readonly path = "",
    readonly key = "",
  ) {}

  get isUnknown(): boolean {
    return this.value === unknown;
  }

  /** Neither absent nor null; an unknown value is there. */
  get isSet(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** Set to something that is known. */
  get isKnown(): boolean {
    return this.isSet && !this.isUnknown;
  }

  /** The text at this place; undefined for anything else. */
  get text(): string | undefined {
    return typeof this.value === "string" ? this.value : undefined;
  }

  /** The number at this place, also where it is written as text; undefined for anything else. */
  get number(): number | undefined {
    const { value } = this;
    if (typeof value === "number") return value;
    return typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : undefined;
  }

  /** A property of a property; below what is unknown everything is unknown. */
  get(...keys: string[]): Place {
    return keys.reduce<Place>((place, key) => {
      const path =
        place.path === "" ? key : `${place.path}${/^[\w-]+$/.test(key) ? `.${key}` : `["${key}"]`}`;
      return new Place(
        place.isUnknown ? unknown : isRecord(place.value) ? place.value[key] : undefined,
        path,
        key,
      );
    }, this);
  }

  /** Elements of a list; none where there is no list or it is unknown. */
  get items(): Place[] {
    if (!Array.isArray(this.value)) return [];
    return this.value.map((item, index) => new Place(item, `${this.path}[${index}]`));
  }

  /** Properties of an object; none where there is no object or it is unknown. */
  get properties(): Place[] {
    return isRecord(this.value) ? Object.keys(this.value).map((key) => this.get(key)) : [];
  }

  /** Every text at this place or below. */
  get texts(): Place[] {
    if (this.text !== undefined) return [this];
    return [...this.items, ...this.properties].flatMap((place) => place.texts);
  }
}

/** A value for a message: never longer than a line, and without what looks like a secret. */
export function show(value: Value): string {
  if (value === undefined || value === null) return "not set";
  const text = withoutSecrets(
    JSON.stringify(value, (_, inner) => (inner === unknown ? "(not known yet)" : inner)),
  );
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** What the policy SDK hands over, whose properties throw when they are read before they are known, as plain values. */
export function plain(value: unknown): Value {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, index) => read(value, index));
  if (typeof value === "object") {
    return Object.fromEntries(Object.keys(value).map((key) => [key, read(value, key)]));
  }
  return value as string | number | boolean;
}

function read(container: object, key: string | number): Value {
  let value: unknown;
  try {
    value = container[key as keyof typeof container];
  } catch (error) {
    if (error instanceof UnknownValueError) return unknown;
    throw error;
  }
  return plain(value);
}
