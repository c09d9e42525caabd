import type { Rule } from "../../../policy/plan";
import type { Draft, PlanName } from "./draft";

/** A plan as one test changes it. */
export interface Case {
  /** Completes "accepts …" or "refuses …". */
  what: string;
  /** The plan it starts from; `stg` if not given. */
  from?: PlanName;
  change: (draft: Draft) => void;
}

/** What a rule must let pass, beside the program's own plans, and what it must not. */
export interface RuleCases {
  rule: Rule;
  accepts: Case[];
  refuses: (Case & {
    /** What every message must hold. */
    says: RegExp;
  })[];
}
