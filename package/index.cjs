// What the engine starts for PulumiPlugin.yaml, by `main` of package.json. In JavaScript, because the SDK's launcher of plugins
// would check the types of a TypeScript file, and of all it imports, at every start.
require("../scripts/transpile.cjs");
module.exports = () => require("./provider.ts").serve(process.argv.slice(2));
