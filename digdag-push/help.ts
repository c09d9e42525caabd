import { EXIT_MEANING } from "./errors";
import { DEFAULT_TIMEOUT_SECONDS } from "./limits";

/** The text of `--help`. */
export function helpText(): string {
  const codes = Object.entries(EXIT_MEANING).map(([code, meaning]) => `  ${code}  ${meaning}`);
  return `Usage: digdag-push [apply] --project NAME [options]

Makes Digdag serve the project in a directory and verifies it: checks the files, packs them (same bytes for the same
commit), compares with what is served, refuses to drop a schedule, pushes, and asks Digdag what it serves now.

Options (environment variable used when the option is absent)
  --project NAME         project in Digdag (DIGDAG_PROJECT)
  --directory DIR        folder with the *.dig files; default: the current one
  --endpoint URL         Digdag's address, such as https://digdag.example.com (DIGDAG_ENDPOINT)
  --revision NAME        name of the new revision (GITHUB_SHA)
  --allow-remove NAME    workflow whose schedule may vanish; repeatable
  --timeout SECONDS      for the whole command, 1 to 3600; default: ${DEFAULT_TIMEOUT_SECONDS}
  --json                 result as one JSON object on standard output
  --help, --version

Credentials come from the environment only
  DIGDAG_USER with DIGDAG_PASSWORD or DIGDAG_PASSWORD_FILE    basic authentication
  DIGDAG_AUTHORIZATION_FILE    file with the value of the Authorization header, such as "Bearer TOKEN"

Also read
  EGRESS_ADDRESS_URL     asked after a network failure for the address this machine leaves from
  NODE_EXTRA_CA_CERTS    certificates of a company CA
  GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, GITHUB_OUTPUT, GITHUB_WORKSPACE    annotations, job summary and outputs

Exit codes
${codes.join("\n")}
`;
}
