/** The command line of the local system; see `usage`. */
import { parseArgs } from "node:util";
import { root } from "./lib/paths";

const usage = `usage: npm start [-- --context NAME]         everything, then a job that deploys examples/
       npm stop                                removes all of it
       npm run local -- exec COMMAND…          any command against the local system: pulumi, kubectl, docker, aws
       npm run local -- job --project DIR [--label ENVIRONMENT]   queue a job that deploys a Digdag project
       npm run local -- status [--json]        every part

  --context NAME   use this context of your kubeconfig instead of starting a Kubernetes node; what its nodes need
                   is in docs/architecture.md`;

class UsageError extends Error {}

async function main(argv: string[]): Promise<number> {
  const [command, ...rest] = argv;
  // A command loads only what it needs: the SDKs behind `start` take seconds.
  switch (command) {
    case "start": {
      const { values } = parseArgs({ args: rest, options: { context: { type: "string" } } });
      return (await import("./start")).start(values);
    }
    case "stop":
      parseArgs({ args: rest, options: {} });
      return (await import("./stop")).stop();
    case "exec":
      if (rest.length === 0) throw new UsageError("exec needs a command, such as: exec kubectl get pods -A");
      return (await import("./exec")).exec(rest[0] as string, rest.slice(1));
    case "job": {
      const options = { project: { type: "string" }, label: { type: "string", default: "local" } } as const;
      const { values } = parseArgs({ args: rest, options });
      if (!values.project) throw new UsageError("job needs --project DIR, the directory of a Digdag project");
      return (await import("./job")).deploy({ directory: values.project, label: values.label });
    }
    case "status": {
      const { values } = parseArgs({ args: rest, options: { json: { type: "boolean", default: false } } });
      return (await import("./status")).status(values.json);
    }
    default:
      throw new UsageError(command ? `there is no command ${command}` : "name a command");
  }
}

process.chdir(root);
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error & { code?: string }) => {
    const misused = error instanceof UsageError || error.code?.startsWith("ERR_PARSE_ARGS");
    console.error(`\n${misused ? `${error.message}\n\n${usage}` : error.message}`);
    process.exitCode = misused ? 2 : 1;
  },
);
