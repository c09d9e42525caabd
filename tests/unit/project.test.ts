import assert from "node:assert/strict";
import { parse } from "yaml";
import { withBackEndOf } from "../../local/project";

describe("the local system's copy of a stack file", () => {
  const committed = "secretsprovider: awskms://alias/prd\nencryptedkey: AAAA\nconfig:\n  a: 1 # why\n";

  it("keeps the configuration and drops the real back end's key", () => {
    const copy = withBackEndOf(committed, "encryptionsalt: v1:local\n");
    assert.deepEqual(parse(copy), { config: { a: 1 }, encryptionsalt: "v1:local" });
    assert.match(copy, /# why/);
  });

  it("goes back to the checkout with the real back end's key and without the local salt", () => {
    const copy = "encryptionsalt: v1:local\nconfig:\n  a: 2\n";
    assert.deepEqual(parse(withBackEndOf(copy, committed)), {
      config: { a: 2 },
      secretsprovider: "awskms://alias/prd",
      encryptedkey: "AAAA",
    });
  });
});
