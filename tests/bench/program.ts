import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { root, stateDir } from "../../local/lib/paths";
import { withTypeScript } from "../../local/lib/typescript";
import { Account } from "../engine/account";
import { PulumiProject } from "../engine/pulumiProject";
import { atLeast, atMost, type Goal, print, shown, shownTiming, type Timing, timing } from "./report";

export const reportFile = join(stateDir, "bench-program.json");

export interface ProgramBenchOptions {
  /** Runs of each preview and of the module loading, one after the other and in turns. */
  rounds: number;
  /** Whether the unit tests are timed as well. */
  unitTests: boolean;
}

const stack = "prd";

/** What is compared, in the order of the report. */
interface Timings {
  /** A program that does nothing at all. */
  empty: Timing;
  /** A program that loads Pulumi's SDK, which every one must that makes a resource, and nothing else. */
  sdkAlone: Timing;
  program: Timing;
  /** With type checks, as in a fresh checkout: the launcher keeps what it compiled on this machine, file by file. */
  typeChecked: Timing;
  /** The same when no file has changed since it was compiled, so that nothing is checked. */
  typeCheckedBefore: Timing;
}

/** Measures, prints and writes the report. @returns whether both goals were reached */
export async function benchProgram({ rounds, unitTests }: ProgramBenchOptions): Promise<boolean> {
  const previews = await timePreviews(rounds);
  const modules = timeModules(rounds);
  const unit = unitTests ? timing([timeUnitTests()]) : undefined;
  const reached = goals(previews);
  const report = {
    at: new Date().toISOString(),
    rounds,
    loadAverage: loadavg()[0],
    previews,
    modules,
    unit,
    goals: reached,
  };
  mkdirSync(dirname(reportFile), { recursive: true });
  writeFileSync(reportFile, `${JSON.stringify(report, undefined, 2)}\n`);

  const rows = Object.entries({ ...previews, ...(unit && { "unit tests": unit }) });
  print(rows.map(([what, time]) => ({ "seconds of": what, ...shownTiming(time) })));
  print(Object.entries(modules).map(([name, time]) => ({ "loading of": name, ...shownTiming(time) })));
  print(reached.map((goal) => ({ ...goal, measured: shown(goal.measured) })));
  console.log(`The machine's load was ${loadavg()[0]?.toFixed(1)}. Report: ${reportFile}`);
  return reached.every((goal) => goal.reached);
}

/** How the program compares with nothing, and with the usual way of running TypeScript. */
function goals({ program, empty, typeChecked }: Timings): Goal[] {
  return [
    atMost(1.5, "program : empty program", program.median / empty.median),
    atLeast(3, "program with type checks : program", typeChecked.median / program.median),
  ];
}

/** `pulumi preview` of an empty stack: of a program that makes nothing, of ours, and of ours as Pulumi runs TypeScript by default. */
async function timePreviews(rounds: number): Promise<Timings> {
  const account = await Account.start();
  const projects: PulumiProject[] = [];
  const create = async (environment: NodeJS.ProcessEnv = {}) => {
    const project = await PulumiProject.create(account, stack, {}, { environment });
    projects.push(project);
    return project;
  };
  try {
    await account.reset();
    const seconds: Record<keyof Timings, number[]> = {
      empty: [],
      sdkAlone: [],
      program: [],
      typeChecked: [],
      typeCheckedBefore: [],
    };
    const kinds = {
      empty: replaceProgram(await create(), "empty", "export {};\n"),
      sdkAlone: replaceProgram(await create(), "sdk-alone", 'import "@pulumi/pulumi";\n'),
      program: await create(),
      typeChecked: checkTypes(await create({ TS_NODE_CACHE: "false" })),
      typeCheckedBefore: checkTypes(await create()),
    };
    // The first run of each reads files that later ones find in memory.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [kind, project] of Object.entries(kinds) as [keyof Timings, PulumiProject][]) {
        const took = await timePreview(project);
        if (round > 0) seconds[kind].push(took);
        console.error(`${round === 0 ? "warm-up" : `round ${round}`}: preview of ${kind}: ${shown(took)} s`);
      }
    }
    return {
      empty: timing(seconds.empty),
      sdkAlone: timing(seconds.sdkAlone),
      program: timing(seconds.program),
      typeChecked: timing(seconds.typeChecked),
      typeCheckedBefore: timing(seconds.typeCheckedBefore),
    };
  } finally {
    for (const project of projects) await project.remove();
    await account.stop();
  }
}

/** @throws Error with what `pulumi` printed when it failed */
async function timePreview(project: PulumiProject): Promise<number> {
  const began = performance.now();
  const { code, output } = await project.run("preview", "--stack", stack);
  if (code !== 0) throw new Error(`pulumi preview failed with exit code ${code}:\n${output}`);
  return (performance.now() - began) / 1000;
}

function editProject(project: PulumiProject, path: string[], value: unknown): PulumiProject {
  const file = join(project.directory, "Pulumi.yaml");
  const document = parseDocument(readFileSync(file, "utf8"));
  document.setIn(path, value);
  writeFileSync(file, document.toString());
  return project;
}

/** The same project, run the same way, with another program. */
function replaceProgram(project: PulumiProject, name: string, source: string): PulumiProject {
  const directory = join(stateDir, "bench", name); // below the checkout, whose packages it finds
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name, main: "index.ts" }));
  writeFileSync(join(directory, "index.ts"), source);
  editProject(project, ["runtime", "options", "nodeargs"], withTypeScript.join(" "));
  return editProject(project, ["main"], join(directory, "index.ts"));
}

/** The same program with the runtime's defaults, but for a module format that the launcher of TypeScript programs can run. */
function checkTypes(project: PulumiProject): PulumiProject {
  const tsconfig = join(stateDir, "bench-tsconfig.json"); // below the checkout, whose types it finds
  mkdirSync(stateDir, { recursive: true });
  const compilerOptions = { module: "commonjs", moduleResolution: "node", noEmit: false };
  writeFileSync(
    tsconfig,
    JSON.stringify({ extends: "../tsconfig.json", compilerOptions, include: ["../index.ts"] }),
  );
  return editProject(project, ["runtime"], { name: "nodejs", options: { tsconfig } });
}

/** Seconds that Node.js spends on loading the program, by npm package, slowest first; a package's own modules alone. */
function timeModules(rounds: number): Record<string, Timing> {
  const seconds: Record<string, number[]> = {};
  for (let round = 0; round <= rounds; round += 1) {
    const script = join(__dirname, "loadTimes.cjs");
    const printed = execFileSync(process.execPath, [script, join(root, "index.ts")], { encoding: "utf8" });
    const { total, packages } = JSON.parse(printed) as { total: number; packages: Record<string, number> };
    for (const [name, milliseconds] of Object.entries({ everything: total, ...packages })) {
      if (round > 0) seconds[name] = [...(seconds[name] ?? []), milliseconds / 1000];
    }
  }
  const timings = Object.entries(seconds).map(([name, times]) => [name, timing(times)] as const);
  const slowest = timings.sort(([, a], [, b]) => b.median - a.median).slice(0, 12);
  return Object.fromEntries(slowest);
}

/** Seconds of `npm run test:unit`. @throws Error when a test fails */
function timeUnitTests(): number {
  const began = performance.now();
  execFileSync("npm", ["run", "test:unit"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  return (performance.now() - began) / 1000;
}
