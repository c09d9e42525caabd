import { join } from "node:path";
import { root } from "./paths";

/** Arguments with which Node.js loads TypeScript. */
export const withTypeScript = ["--require", join(root, "scripts", "transpile.cjs")];
