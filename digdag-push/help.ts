import { EXIT_MEANING } from "./errors";
import { COMMANDS, type CommandName, type CommandText, FLAGS, type Flag, flagsOf } from "./flags";

/** The text of `--help`: of one command, or of the program. */
export function helpText(command?: CommandName): string {
  return command === undefined ? programHelp() : commandHelp(command);
}

function programHelp(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  const codes = Object.entries(EXIT_MEANING).map(([code, meaning]) => `  ${code}  ${meaning}`);
  return `Usage: digdag-push [COMMAND] [options]

Deploys a Digdag project from CI, or fails with the reason.

Commands (digdag-push COMMAND --help explains the options)
${commands.join("\n")}

Credentials come from the environment only
  DIGDAG_USER with DIGDAG_PASSWORD or DIGDAG_PASSWORD_FILE    basic authentication
  DIGDAG_AUTHORIZATION_FILE    file with the value of the Authorization header, such as "Bearer TOKEN"
  DIGDAG_HEADERS_FILE          file with further headers, one "Name: value" in a line

Also read
  EGRESS_ADDRESS_URL     asked after a network failure for the address this machine leaves from
  NODE_EXTRA_CA_CERTS    certificates of a company CA
  https_proxy, http_proxy, all_proxy, no_proxy    in either case
  GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, GITHUB_OUTPUT, GITHUB_WORKSPACE    annotations, job summary and outputs
  GITHUB_REF_NAME, GITHUB_BASE_REF    the branch that leads to an environment
  GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT    the name that a rollback gives

Exit codes
${codes.join("\n")}
`;
}

function commandHelp(command: CommandName): string {
  const { summary, about, differs = {} }: CommandText = COMMANDS[command];
  const rows = flagsOf(command).map((name): [string, string] => {
    const flag: Flag = FLAGS[name];
    const usage = `${flag.short === undefined ? "" : `-${flag.short}, `}--${name}${flag.value === undefined ? "" : ` ${flag.value}`}`;
    const usual = flag.variable === undefined ? flag.help : `${flag.help} (${flag.variable})`;
    return [usage, differs[name] ?? usual];
  });
  const width = Math.max(...rows.map(([usage]) => usage.length)) + 2;
  return `Usage: digdag-push ${command} [options]

${summary[0]?.toUpperCase()}${summary.slice(1)}.
${about}

Options (environment variable used when the option is absent)
${rows.map(([usage, help]) => `  ${usage.padEnd(width)}${help}`).join("\n")}
`;
}
