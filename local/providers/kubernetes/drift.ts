import { isObject, type Values } from "../standIn";

/**
 * The live values of the fields that the inputs name, so that a later diff shows what was changed by hand and nothing that
 * the API server or a controller filled in.
 */
export function liveInputs(inputs: Values, live: Values): Values {
  return projectObject(withStringData(inputs, inputs), withStringData(live, inputs));
}

function projectObject(inputs: Values, live: Values): Values {
  const projected: Values = {};
  for (const [key, wanted] of Object.entries(inputs)) {
    const found = project(wanted, live[key]);
    if (found !== undefined) {
      projected[key] = found;
    }
  }
  return projected;
}

function project(wanted: unknown, live: unknown): unknown {
  if (live === undefined || live === null) {
    return isEmpty(wanted) ? wanted : undefined;
  }
  if (isObject(wanted) && isObject(live)) {
    return projectObject(wanted, live);
  }
  if (Array.isArray(wanted) && Array.isArray(live)) {
    return projectList(wanted, live);
  }
  return sameQuantity(wanted, live) ? wanted : live;
}

/** Named items (containers, volumes, environment) are found by name: an admission controller may have added others. */
function projectList(wanted: unknown[], live: unknown[]): unknown[] {
  if (wanted.length > 0 && wanted.every((item) => isObject(item) && typeof item.name === "string")) {
    return (wanted as Values[]).flatMap((item) => {
      const match = live.find((candidate) => isObject(candidate) && candidate.name === item.name);
      return match === undefined ? [] : [project(item, match)];
    });
  }
  return wanted.length === live.length ? wanted.map((item, index) => project(item, live[index])) : live;
}

/** What the API server leaves out of its answers. */
function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === false ||
    value === 0 ||
    value === "" ||
    (Array.isArray(value) && value.length === 0) ||
    (isObject(value) && Object.values(value).every(isEmpty))
  );
}

const UNITS: Record<string, number> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The API server rewrites quantities: `0.5` comes back as `500m`, `1024Mi` as `1Gi`. */
function sameQuantity(left: unknown, right: unknown): boolean {
  const [a, b] = [quantity(left), quantity(right)];
  return a !== undefined && b !== undefined && Math.abs(a - b) <= Math.abs(a) * 1e-9;
}

function quantity(value: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(String(value));
  return match ? Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1) : undefined;
}

/** A Secret's `stringData` never comes back: it is read from `data`, for the keys that the inputs name. */
function withStringData(object: Values, inputs: Values): Values {
  if (object === inputs || !isObject(inputs.stringData) || !isObject(object.data)) {
    return object;
  }
  const data = object.data;
  const decoded = Object.keys(inputs.stringData).flatMap((key) =>
    typeof data[key] === "string" ? [[key, Buffer.from(data[key], "base64").toString()]] : [],
  );
  return { ...object, stringData: Object.fromEntries(decoded) };
}
