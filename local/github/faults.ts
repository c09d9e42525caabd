import { sameName } from "./registry";
import type { Fault, HttpAction, HttpFault, ListenerBehaviour, ListenerFault, PendingFault } from "./types";

/** Faults in the order they were added; each is used up after its `times`. */
export class Faults {
  private readonly pending: { fault: Fault; left: number; hits: number }[] = [];

  /** @throws Error for a fault that could never hit */
  add(fault: Fault): void {
    if (!("listener" in fault) && typeof fault.path !== "string")
      throw new Error('A fault needs "path" (a regular expression, for HTTP) or "listener"; it has neither.');
    if ("path" in fault) new RegExp(fault.path);
    const left = fault.times === 0 ? Number.POSITIVE_INFINITY : (fault.times ?? 1);
    this.pending.push({ fault, left, hits: 0 });
  }

  /** Those that are not used up yet, with how often each has hit. */
  list(): PendingFault[] {
    return this.pending.map(({ fault, hits }) => ({ ...fault, hits }));
  }

  /** Without a scope: all of them. */
  clear(scope?: string): void {
    for (let index = this.pending.length - 1; index >= 0; index--) {
      const own = this.pending[index]?.fault.scope;
      if (scope === undefined || (own && sameName(own, scope))) this.pending.splice(index, 1);
    }
  }

  /** @param scope of the request, where it has one */
  takeHttp(method: string, path: string, scope: string | undefined): HttpAction | undefined {
    const hits = (fault: Fault): fault is HttpFault =>
      "path" in fault &&
      inScope(fault, scope) &&
      (fault.method === undefined || fault.method.toUpperCase() === method) &&
      new RegExp(fault.path).test(path);
    return this.take(hits)?.action;
  }

  /** @param scope of the listener's registration */
  takeListener(scope: string): ListenerBehaviour | undefined {
    const hits = (fault: Fault): fault is ListenerFault => "listener" in fault && inScope(fault, scope);
    return this.take(hits)?.listener;
  }

  private take<T extends Fault>(matches: (fault: Fault) => fault is T): T | undefined {
    for (const [index, entry] of this.pending.entries()) {
      const { fault } = entry;
      if (!matches(fault)) continue;
      entry.left -= 1;
      entry.hits += 1;
      if (entry.left === 0) this.pending.splice(index, 1);
      return fault;
    }
    return undefined;
  }
}

function inScope(fault: Fault, scope: string | undefined): boolean {
  return fault.scope === undefined || (scope !== undefined && sameName(fault.scope, scope));
}

/** `owner/name`, or the organization, that a path of the REST API or of a Git repository is about. */
export function scopeOfPath(path: string): string | undefined {
  const [first, second, third] = path.split("/").filter(Boolean);
  if (first === "orgs") return second;
  const [owner, name] = first === "repos" ? [second, third] : [first, second];
  return owner && name && `${owner}/${name.replace(/\.git$/, "")}`;
}
