/**
 * Serves the files of one directory on loopback, for the image build: `main.ts DIRECTORY PORT`.
 * Nothing else is served: names with a slash do not exist.
 */
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const [directory, port] = process.argv.slice(2);
if (!directory || !port) throw new Error("usage: main.ts DIRECTORY PORT");

createServer((request, response) => {
  const name = decodeURIComponent((request.url ?? "/").slice(1));
  const notFound = () => response.writeHead(404).end(`there is no ${name} here\n`);
  if (!/^[\w.-]+$/.test(name)) return notFound();
  const file = createReadStream(join(directory, name));
  file.once("error", notFound);
  file.once("open", () => file.pipe(response));
}).listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ ready: true, port: Number(port) })));
