/** One thing that is wrong with the configuration. */
export interface Problem {
  /** The key, with the index of the element for a list: `natAddresses[0]`, `aws:region`. */
  key: string;
  /** What is wrong and what is allowed, with the value seen unless it may be a secret. */
  reason: string;
  /** The command that mends it. */
  command: string;
}

/** Stands for a value that may be a secret. */
export const notShown = "[not shown]";

const credential = /\bgh[a-z]_|github_pat_|PRIVATE KEY|\b(AKIA|ASIA)[A-Z0-9]{16}|^[0-9a-f]{40}$|:\/\/[^/]*@/;

/** The value as an error may show it: a wrong value is often a secret in the wrong place. */
export function shown(key: string, value: string, secret = false): string {
  const nameExpected = /Parameter$/.test(key) && !/^(\/|arn:)/.test(value);
  return secret || nameExpected || credential.test(value) ? notShown : JSON.stringify(value);
}

/** `pulumi config set` for one key of a stack, or for one element of a list. */
export function setCommand(stack: string, key: string, value: string): string {
  // In a list the command makes a number or a boolean of what looks like one, and all lists are of texts.
  const type = /^(true|false|-?\d+)$/.test(value) ? "--type string " : "";
  const path = key.endsWith("]") ? `${type}--path '${key}'` : key;
  return `pulumi config set --stack ${stack} ${path} ${value.replaceAll("STACK", stack)}`;
}

/** `pulumi config rm` for one key of a stack, or for one element of a list. */
export function removeCommand(stack: string, key: string): string {
  return `pulumi config rm --stack ${stack} ${key.endsWith("]") ? `--path '${key}'` : key}`;
}

/** All problems as the one message a person reads. */
export function renderProblems(stack: string, problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  const lines = problems.flatMap(({ key, reason, command }, index) => [
    "",
    `  ${index + 1}. ${key} ${reason}.`,
    `     ${command}`,
  ]);
  return [
    `The configuration of stack ${stack} has ${count}. Nothing was created or changed.`,
    ...lines,
    "",
  ].join("\n");
}

/** The candidate that `word` is most likely a misspelling of, or undefined when none is close. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(word.length / 3));
  return candidates
    .map((candidate) => ({ candidate, edits: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits)[0]?.candidate;
}

/** Levenshtein's distance: how many letters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
