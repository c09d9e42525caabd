import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../local/lib/paths";
import { Account, COMMAND_MS, SETUP_MS } from "./account";
import { PulumiProject, type Result } from "./pulumiProject";

/** The arguments of the lines `pulumi config set` in a text, without quotation marks. */
const configCommands = (text: string): string[][] =>
  [...text.matchAll(/^ *(?:\$ )?pulumi (config (?:set|rm) .+)$/gm)].map(([, command = ""]) =>
    command.split(/ +/).map((word) => word.replaceAll("'", "")),
  );

describe("commands that people are told, by the real command line", function () {
  this.timeout(COMMAND_MS);
  let account: Account;
  let project: PulumiProject;

  before(async function () {
    this.timeout(SETUP_MS);
    account = await Account.start();
    await account.reset();
  });

  beforeEach(async () => {
    project = await PulumiProject.create(account, "prd");
    rmSync(join(project.directory, "Pulumi.prd.yaml"));
  });

  afterEach(() => project?.remove());
  after(() => account?.stop());

  async function follow(commands: string[][]): Promise<void> {
    for (const command of commands) {
      const { code, output } = await project.run(...command);
      assert.equal(code, 0, `pulumi ${command.join(" ")}: ${output}`);
    }
  }

  /** The configuration was taken, and AWS asked about it: of an account that is not this one, or with several ALBs. */
  const assertValid = ({ output }: Result) =>
    assert.match(output, /AWS account ID not allowed|has several internet-facing ALBs/);

  it("configure an empty stack as README.md says", async () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const section = readme.slice(readme.indexOf("**Configuration.**"), readme.indexOf("**Deploy.**"));
    const commands = configCommands(section);
    assert.ok(commands.length >= 6, "README.md has fewer commands than there are required keys");
    await follow(commands);
    assertValid(await project.run("preview"));
  });

  it("mend an empty configuration as the message says that refuses it", async () => {
    const refused = await project.run("preview");
    assert.match(refused.output, /has \d+ problems\. Nothing was created or changed/);
    await follow(configCommands(refused.output));
    assertValid(await project.run("preview"));
  });
});
