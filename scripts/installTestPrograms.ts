// Runs before `npm test`: installs the programs that tests/runtime makes its containers from, where that is possible.
// Elsewhere those tests are skipped and say why.
import { ensurePackages } from "../local/install";

ensurePackages(
  [
    { command: "tini", debianPackage: "tini" },
    { command: "git", debianPackage: "git" },
    { command: "setpriv", debianPackage: "util-linux" },
    { command: "unshare", debianPackage: "util-linux" },
    { command: "setfattr", debianPackage: "attr" },
  ],
  { report: console.log },
).catch((error: Error) => console.log(`Some tests will be skipped: ${error.message}`));
