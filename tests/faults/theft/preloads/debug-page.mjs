// A broker that shows its environment and its credential on a page for debugging.
import fs from "node:fs";
import http from "node:http";

const { emit } = http.Server.prototype;
http.Server.prototype.emit = function (event, request, response) {
  if (event !== "request" || request.url !== "/debug") return emit.apply(this, arguments);
  const credential = fs.readFileSync(process.env.GITHUB_CREDENTIAL_FILE, "utf8");
  response.end(JSON.stringify({ environment: process.env, credential }));
  return true;
};
