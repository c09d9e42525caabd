// Loads a program as Pulumi does here, and prints the milliseconds that each npm package's own modules took, without those that
// they load in turn: node loadTimes.cjs FILE. A process of its own, because a module is loaded only once.
const { Module } = require("node:module");
const { resolve } = require("node:path");
const file = resolve(process.argv[2]);

const start = performance.now();
require("../../scripts/transpile.cjs");
const milliseconds = { esbuild: performance.now() - start };
/** What the modules that are being loaded have spent on others, the innermost last. */
const spentOnOthers = [0];

const packageOf = (path) =>
  /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? (path.startsWith("/") ? "this project" : "node");

const load = Module._load;
Module._load = function (request, parent, isMain) {
  const began = performance.now();
  spentOnOthers.push(0);
  try {
    return load.call(this, request, parent, isMain);
  } finally {
    const total = performance.now() - began;
    const own = total - spentOnOthers.pop();
    spentOnOthers[spentOnOthers.length - 1] += total;
    let path = request;
    try {
      path = Module._resolveFilename(request, parent);
    } catch {
      // A module that is not there, which its parent can do without, has cost time all the same.
    }
    const name = packageOf(path);
    milliseconds[name] = (milliseconds[name] ?? 0) + own;
  }
};

require(file);
console.log(JSON.stringify({ total: performance.now() - start, packages: milliseconds }));
