// A broker that shows its environment, its credential and its last log lines on a page for debugging.
import fs from "node:fs";
import http from "node:http";

const lines = [];
const { writeSync } = fs;
fs.writeSync = (file, text, ...rest) => {
  if (file === 1) lines.push(String(text));
  return writeSync(file, text, ...rest);
};
const { emit } = http.Server.prototype;
http.Server.prototype.emit = function (event, request, response) {
  if (event !== "request" || request.url !== "/debug") return emit.apply(this, arguments);
  const credential = fs.readFileSync(process.env.GITHUB_CREDENTIAL_FILE, "utf8");
  response.end(JSON.stringify({ environment: process.env, credential, log: lines.slice(-100) }));
  return true;
};
