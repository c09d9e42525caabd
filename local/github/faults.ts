import type { Fault, HttpAction, HttpFault, ListenerBehaviour, ListenerFault } from "./types";

/** Faults in the order they were added; each is used up after its `times`. */
export class Faults {
  private readonly pending: { fault: Fault; left: number }[] = [];

  /** @throws Error for a fault that could never hit */
  add(fault: Fault): void {
    if (!("listener" in fault) && typeof fault.path !== "string")
      throw new Error('A fault needs "path" (a regular expression, for HTTP) or "listener"; it has neither.');
    if ("path" in fault) new RegExp(fault.path);
    this.pending.push({ fault, left: fault.times === 0 ? Number.POSITIVE_INFINITY : (fault.times ?? 1) });
  }

  clear(): void {
    this.pending.length = 0;
  }

  takeHttp(method: string, path: string): HttpAction | undefined {
    const hits = (fault: Fault): fault is HttpFault =>
      "path" in fault &&
      (fault.method === undefined || fault.method.toUpperCase() === method) &&
      new RegExp(fault.path).test(path);
    return this.take(hits)?.action;
  }

  takeListener(): ListenerBehaviour | undefined {
    return this.take((fault): fault is ListenerFault => "listener" in fault)?.listener;
  }

  private take<T extends Fault>(matches: (fault: Fault) => fault is T): T | undefined {
    for (const [index, entry] of this.pending.entries()) {
      const { fault } = entry;
      if (!matches(fault)) continue;
      entry.left -= 1;
      if (entry.left === 0) this.pending.splice(index, 1);
      return fault;
    }
    return undefined;
  }
}
