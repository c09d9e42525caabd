import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { readStacks, type Stack } from "./aws/stacks";
import { buildBaseImage, ensurePauseImage, startDocker, startRegistry } from "./docker";
import { serveDownloads } from "./downloads";
import { ensureEngine } from "./engine";
import { environment } from "./environment";
import { jobCompleted, runnerOnline } from "./gitHubControl";
import { ensurePackages } from "./install";
import { example, queueDeployJob } from "./job";
import { buildKubernetes, startKubernetes, useContext } from "./kubernetes";
import { root } from "./lib/paths";
import { lastLines, type Report, run } from "./lib/run";
import { readState } from "./lib/state";
import { Steps, together } from "./lib/steps";
import { needs } from "./needs";
import { ensureAuthority, ensureBridge, startDns } from "./network";
import { copyProjectIn, lockedByTheDead } from "./project";
import { served } from "./served";
import { hostNames, startAlbs, startAws, startDigdags, startGitHub, startProviders } from "./services";
import { type Story, tell, verdictOf, writeReport } from "./story";

/** The environment that `npm start` brings up. */
const stack = "local";

/** A runner is online within seconds of its Pod's start; what takes longer is broken. */
const onlineSeconds = 120;
const jobSeconds = 180;

/** Everything that must run before `pulumi up`. Steps that do not need each other run side by side. */
async function setUp(steps: Steps, stacks: Stack[], context: string | undefined): Promise<string[]> {
  const engine = steps.step("Pulumi engine", (report) => ensureEngine({ report }));
  const packages = steps.step("Debian packages", (report) => ensurePackages(needs(context), { report }));
  const programs = context
    ? Promise.resolve(undefined)
    : packages.then(() => steps.step("Kubernetes programs", (report) => buildKubernetes({ report })));
  const network = packages.then(() =>
    steps.step("network", async (report) => {
      await ensureBridge({ report });
      await startDns({ hosts: hostNames(stacks), report });
    }),
  );
  const images = packages.then(() =>
    steps.step("Docker and registry", async (report) => {
      await startRegistry({ report });
      await startDocker({ report });
    }),
  );
  const baseImage = images.then(() => steps.step("base image", (report) => buildBaseImage({ report })));
  const aws = packages.then(() => steps.step("emulated AWS account", (report) => startAws(stacks, report)));
  const digdag = steps.step("Digdag servers", () => startDigdags(stacks));
  const gitHub = network.then(() => steps.step("GitHub", () => startGitHub(stacks)));
  const albs = together([network, aws, digdag]).then(() =>
    steps.step("load balancers", () => startAlbs(stacks)),
  );
  const downloads = steps.step("runner tarball", () => serveDownloads());
  const node = together([programs, network, images]).then(([built]) =>
    steps.step(context ? `Kubernetes context ${context}` : "Kubernetes node", async (report) => {
      if (!built) return useContext(context as string);
      await ensurePauseImage({ pause: built.pause, report });
      await startKubernetes({ kubernetes: built.kubernetes, report });
    }),
  );
  const providers = together([aws, node, images, baseImage, downloads]).then(([, , , base, sources]) =>
    steps.step("Pulumi providers", async () => {
      const authority = readFileSync((await ensureAuthority()).certificate);
      await startProviders({ BASE_IMAGE: base, CA_CERTIFICATES: authority.toString("base64"), ...sources });
    }),
  );
  const [{ path }] = await together([engine, gitHub, albs, providers] as const);
  return path;
}

/**
 * Makes the stacks, so that `pulumi preview -s prd` needs no `pulumi stack init` first, and frees one that an interrupted
 * run left locked.
 */
async function initializeStacks(stacks: Stack[], env: NodeJS.ProcessEnv): Promise<void> {
  copyProjectIn();
  const { stdout } = await run("pulumi", ["stack", "ls", "--json"], { env });
  const existing = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  for (const { stack } of stacks) {
    if (!existing.includes(stack)) await run("pulumi", ["stack", "init", stack, "--no-select"], { env });
    else if (lockedByTheDead(stack)) await run("pulumi", ["cancel", "--yes", "-s", stack], { env });
  }
}

/** What went wrong, out of all that `pulumi up` prints. */
function diagnostics(output: string): string {
  return (
    /^Diagnostics:\n[\s\S]*?(?=^(Outputs|Resources):)/m.exec(output)?.[0].trimEnd() ?? lastLines(output, 30)
  );
}

async function pulumiUp(env: NodeJS.ProcessEnv, report: Report): Promise<void> {
  const args = ["up", "-s", stack, "--yes", "--skip-preview", "--non-interactive"];
  const { code, stdout, stderr } = await run("pulumi", args, { env, report, allowFailure: true });
  if (code !== 0) throw new Error(`pulumi up -s ${stack} failed. ${diagnostics(`${stdout}\n${stderr}`)}`);
}

async function resources(env: NodeJS.ProcessEnv): Promise<string[]> {
  const { stdout } = await run("pulumi", ["stack", "export", "-s", stack], { env });
  const state = JSON.parse(stdout) as { deployment: { resources: { urn: string; type: string }[] } };
  return state.deployment.resources
    .filter(({ type }) => !type.startsWith("pulumi:"))
    .map(({ urn, type }) => `${type}  ${urn.split("::").at(-1)}`);
}

/** A job that deploys the example, and what the server serves before and after it. */
async function deployExample(steps: Steps): Promise<Omit<Story, "resources" | "steps">> {
  const project = example.name;
  const runner = await steps.step("runner online", () => runnerOnline(stack, onlineSeconds));
  const before = await served(stack, project);
  const job = await steps.step(`job that deploys examples/${project}`, async () => {
    // Without something new, a second start would push nothing.
    const extraFiles = { "deployment.txt": `${new Date().toISOString()} ${randomUUID()}\n` };
    const { id } = await queueDeployJob({ directory: example.directory, label: stack, extraFiles });
    return jobCompleted(id, jobSeconds);
  });
  const took = { ...runner, id: job.runnerId ?? runner.id, name: job.runnerName ?? runner.name };
  return { project, job, runner: took, before, after: await served(stack, project) };
}

/**
 * Brings up the local system, deploys the program to it and an example through it, and tells what happened.
 * What already runs stays, so a second start resumes an interrupted one.
 * @returns 0 when the example is served
 */
export async function start(options: { context?: string }): Promise<number> {
  const steps = new Steps();
  const stacks = readStacks(root);
  // Until `npm stop` the system stays where it was begun.
  const enginePath = await setUp(steps, stacks, options.context ?? readState().context);
  const env = environment(enginePath);
  await steps.step("Pulumi stacks", () => initializeStacks(stacks, env));
  await steps.step(`pulumi up -s ${stack}`, (report) => pulumiUp(env, report));
  const deployed = await deployExample(steps);
  const story: Story = { ...deployed, resources: await resources(env), steps: steps.times };
  const file = writeReport(story);
  console.log(tell(story));
  const verdict = verdictOf(story);
  console.log(`verdict: ${verdict} (${file})`);
  console.log("Everything keeps running: `npm run local -- status` shows it, `npm stop` removes it.");
  return verdict === "failed" ? 1 : 0;
}
