// The SDK compiles a pack's TypeScript with type checks at every start, which `npm test` has done already: without them a
// preview begins a second and a half earlier.
require("../scripts/transpile.cjs");
require("./pack.ts");
