import assert from "node:assert/strict";

/** A secret by what would be seen of it: itself or, of a private key, each line; and all of them in base64. */
export function formsOf(secret: string): string[] {
  const lines = secret.split("\n").filter((line) => line.length > 8 && !line.startsWith("-----"));
  assert.notDeepEqual(lines, [], "there is no secret to look for");
  // Within a longer text, base64 of the same bytes differs by where they start; the ends belong to their neighbours.
  const encoded = lines.flatMap((line) =>
    [0, 1, 2].map((start) =>
      Buffer.from(`${" ".repeat(start)}${line}`)
        .toString("base64")
        .slice(4, -4),
    ),
  );
  return [...lines, ...encoded];
}

/** None of the secrets shows in any of the texts, plain or in base64. @param texts by what they are */
export function assertHidden(secrets: string[], texts: Record<string, string>): void {
  for (const form of secrets.flatMap(formsOf))
    for (const [what, text] of Object.entries(texts))
      assert.ok(!text.includes(form), `${what} shows a secret`);
}
