import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../local/engine/lock";
import { ensurePackages } from "../../local/install";
import { cacheDir } from "../../local/lib/paths";
import { type Report, run } from "../../local/lib/run";

const sources = join(__dirname, "java");
/** Pinned as well, because Maven would otherwise take the newest. */
const PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1";
const INSTALL_SECONDS = 300;

/** The programs that it takes; `java` compiles a source file that it runs only where there is a JDK. */
const needs = [
  { command: "javac", debianPackage: "openjdk-17-jdk-headless" },
  { command: "mvn", debianPackage: "maven" },
];

/** Installs them where that is possible. @returns why there is no Java client here; undefined when there is one */
export async function reasonForNoJava(report: Report): Promise<string | undefined> {
  return ensurePackages(needs, { report }).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/**
 * Has Maven bring Digdag's Java client library with all that it needs into the cache, the first time: about 15 seconds.
 *
 * @returns the directory with the jars
 * @throws Error when Maven reaches no repository, or a jar is not what checksums.txt says or not in it
 */
async function ensureLibrary(report: Report): Promise<string> {
  const read = (name: string) => readFileSync(join(sources, name), "utf8");
  const [pom, checksums] = [read("pom.xml"), read("checksums.txt")];
  const version = createHash("sha256").update(`${pom}${checksums}${PLUGIN}`).digest("hex").slice(0, 12);
  const name = `digdag-client-${version}`;
  const directory = join(cacheDir, name);
  await withLock(
    name,
    () => report("waiting for another process that downloads the same"),
    async () => {
      if (existsSync(directory)) return;
      mkdirSync(cacheDir, { recursive: true });
      const scratch = mkdtempSync(join(cacheDir, `${name}-`));
      try {
        const jars = join(scratch, "jars");
        report("downloading Digdag's Java client library with Maven");
        await run(
          "mvn",
          [
            ...["--batch-mode", "--quiet", "--file", join(sources, "pom.xml"), `${PLUGIN}:copy-dependencies`],
            ...[`-Dmaven.repo.local=${join(scratch, "repository")}`, `-DoutputDirectory=${jars}`],
          ],
          { report, timeoutSeconds: INSTALL_SECONDS },
        );
        await run("sha256sum", ["--check", "--strict", "--quiet", join(sources, "checksums.txt")], {
          cwd: jars,
        });
        const unknown = readdirSync(jars).filter((jar) => !checksums.includes(`  ${jar}\n`));
        if (unknown.length > 0) throw new Error(`checksums.txt does not name ${unknown.join(", ")}`);
        renameSync(jars, directory);
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
  );
  return directory;
}

/** What java/Calls.java reads; see there. */
export interface CallsInput {
  host: string;
  port: number;
  ssl: boolean;
  /** Headers. */
  credentials: Readonly<Record<string, string>>;
  project: string;
  /** Paths of archives. */
  scheduled: string;
  broken: string;
  scheduleFrom: string;
  noId: string;
}

/** Makes the calls of java/Calls.java. @returns what the library made of the answers, by the names of the calls */
// biome-ignore lint/suspicious/noExplicitAny: tests read single fields of it
export async function javaCalls(input: CallsInput, report: Report): Promise<Record<string, any>> {
  const jars = await ensureLibrary(report);
  // It lives for seconds only: the simplest compiler and collector start fastest.
  const flags = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
  ];
  const { stdout } = await run(
    "java",
    [...flags, "--class-path", join(jars, "*"), join(sources, "Calls.java")],
    {
      input: JSON.stringify(input),
      timeoutSeconds: 60,
    },
  );
  return JSON.parse(stdout);
}
