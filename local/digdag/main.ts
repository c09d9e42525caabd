import { parseArgs } from "node:util";
import { startDigdag } from "./server";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "65432" },
    state: { type: "string" },
  },
});

async function main(): Promise<void> {
  const { DIGDAG_USER: user, DIGDAG_PASSWORD: password } = process.env;
  const digdag = await startDigdag({
    host: values.host,
    port: Number(values.port),
    stateFile: values.state,
    auth: user && password ? { user, password } : undefined,
  });
  console.log(
    `digdag-stand-in: listening on ${digdag.url}; a stand-in for a Digdag server, it runs no workflow`,
  );
  const stop = () => void digdag.close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: Error) => {
  console.error(`digdag-stand-in: ${error.message}`);
  process.exit(1);
});
