// The SDK compiles a pack's TypeScript with type checks at every start, which `npm test` has done already: with tsx a
// preview begins a second and a half earlier.
require("tsx/cjs");
require("./pack.ts");
