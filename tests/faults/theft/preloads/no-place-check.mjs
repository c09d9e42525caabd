// A supervisor that takes any place for a container of its own, and so ends nobody either.
import fs from "node:fs";

const { kill, pid } = process;
process.kill = (target, signal) => target === -1 || kill.call(process, target, signal);
Object.defineProperty(process, "ppid", { get: () => 1 });

const { readdirSync, readFileSync } = fs;
fs.readdirSync = (path, ...rest) => (path === "/proc" ? ["1", String(pid)] : readdirSync(path, ...rest));
fs.readFileSync = (path, ...rest) => (path === "/proc/1/comm" ? "tini\n" : readFileSync(path, ...rest));
