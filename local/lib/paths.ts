import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The checkout. */
export const root = resolve(__dirname, "../..");

/** State of a running local system; git-ignored, removed by `npm stop`. */
export const stateDir = join(root, ".local");

/** What is expensive to make (Go builds, base image, Python parts), kept between runs and shared by checkouts. */
export const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "digdag-runner");
