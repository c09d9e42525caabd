// Lets Node.js load TypeScript without checking its types, which `npm test` does. tsx would do it as well, but reads every
// module of every package too, which took longer than loading the program (docs/architecture.md, "How fast the program is").
const { readFileSync } = require("node:fs");
const Module = require("node:module");
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

// @pulumi/pulumi loads the whole compiler to serialize functions, which this program has none of (runtime/closure/parseFunction.js).
// That is a quarter of all loading; so what it gets is loaded when something of it is asked for.
const load = Module._load;
Module._load = (request, parent, isMain) => {
  if (request !== "typescript") return load(request, parent, isMain);
  Module._resolveFilename(request, parent, isMain); // throws where there is none, for which the SDK has another one
  const compiler = () => load(request, parent, isMain);
  return new Proxy(
    {},
    {
      get: (_, name) => compiler()[name],
      has: (_, name) => name in compiler(),
      ownKeys: () => Reflect.ownKeys(compiler()),
      getOwnPropertyDescriptor: (_, name) => {
        const descriptor = Object.getOwnPropertyDescriptor(compiler(), name);
        return descriptor && { ...descriptor, configurable: true };
      },
    },
  );
};
