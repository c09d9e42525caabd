// Lets Node.js load TypeScript without checking its types, which `npm test` does. tsx would do it as well, but reads every
// module of every package too, which took longer than loading the program (docs/architecture.md, "How fast the program is").
const { readFileSync } = require("node:fs");
const { transformSync } = require("esbuild");

require.extensions[".ts"] = (module, file) => {
  const { code } = transformSync(readFileSync(file, "utf8"), {
    loader: "ts",
    format: "cjs",
    target: "node20",
    // As `require`: a TypeScript file is found without its extension.
    supported: { "dynamic-import": false },
    sourcefile: file,
    sourcemap: "inline",
  });
  module._compile(code, file);
};
process.setSourceMapsEnabled(true);
