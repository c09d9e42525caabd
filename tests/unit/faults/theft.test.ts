import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { deploymentSpec } from "../../../components/manifests";
import type { PodArgs } from "../../../components/podManifest";
import type { Pool } from "../../faults/pool";
import { attempts } from "../../faults/theft/attempts";
import { type AttemptResult, withstood } from "../../faults/theft/campaign";
import { Secrets } from "../../faults/theft/secrets";
import * as weakenings from "../../faults/theft/weakenings";

const jobs = join(__dirname, "../../faults/theft/jobs");
const args: PodArgs & { replicas: number } = {
  environment: "t1",
  image: `registry.example.com/digdag-runner@sha256:${"ab".repeat(32)}`,
  credentialSecret: "github-credential",
  githubApiUrl: "https://api.github.com",
  githubOwner: "example-org",
  runnerLabels: ["self-hosted"],
  digdagEndpoint: "https://digdag.example.com",
  egressAddressUrl: "https://checkip.amazonaws.com",
  maxJobMinutes: 1,
  runnerCpu: "250m",
  runnerMemory: "1Gi",
  platform: "linux/amd64",
  podPerJob: false,
  replicas: 1,
};
const all = Object.values(weakenings).filter(
  (each): each is weakenings.Weakening => typeof each === "object",
);

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

describe("the attempts of the theft campaign", () => {
  it("are many, and each has a name of its own", () => {
    const names = attempts.map(({ name }) => name);
    assert.ok(names.length >= 24, `${names.length}`);
    assert.deepEqual([...new Set(names)], names);
  });

  it("are made by jobs that exist, and every job is part of one", () => {
    const used = new Set(attempts.flatMap((each) => each.jobs.map(({ script }) => script.split(" ")[0])));
    const scripts = readdirSync(jobs).filter((file) => file.endsWith(".sh") && file !== "lib.sh");
    assert.deepEqual([...used].sort(), scripts.sort());
  });

  it("are each shown to work by a weakened Pod, and no weakening is idle", () => {
    const used = new Set(attempts.map(({ weakenedBy }) => weakenedBy));
    assert.deepEqual([...used].map(({ name }) => name).sort(), all.map(({ name }) => name).sort());
  });

  it("find nothing that is told to them: only jobs of a victim hold the secret", () => {
    for (const { name, prize, jobs } of attempts) {
      const holders = jobs.filter(({ holdsSecret }) => holdsSecret).length;
      assert.equal(holders > 0, prize.startsWith("other job"), name);
      assert.ok(jobs.length > holders, `${name} has no thief`);
    }
  });

  it("have a short form", () => {
    const short = attempts.filter(({ short }) => short);
    assert.ok(short.length >= 5 && short.length <= 10);
  });
});

describe("a weakening", () => {
  for (const weakening of all) {
    it(`changes the product's Pod: ${weakening.name}`, () => {
      const weakened = deploymentSpec(args);
      weakenings.adaptation(weakening)(weakened);
      assert.notDeepEqual(weakened.template, deploymentSpec(args).template);
      assert.deepEqual(
        { ...weakened, template: undefined },
        { ...deploymentSpec(args), template: undefined },
      );
    });
  }
});

describe("the evidence of a theft", () => {
  const token = "github_pat_0123456789abcdef0123456789abcdef";
  const pool = { token, pods: async () => [] } as unknown as Pool;
  const log = (...lines: string[]) => `##[group]Run x\nbash x\n##[endgroup]\n${lines.join("\n")}\n`;

  it("is a proof that only the secret's value gives", async () => {
    const secrets = await Secrets.of("GitHub credential", pool);
    assert.deepEqual(secrets.wonBy([log("TRIED")]), { won: false, unproven: 0 });
    assert.deepEqual(secrets.wonBy([log(`STOLEN ${digest(`stolen:${token}`)}`)]), { won: true, unproven: 0 });
    const told = secrets.wanted.FINGERPRINT as string;
    for (const claim of [told, digest(token), "something"]) {
      assert.deepEqual(secrets.wonBy([log(`STOLEN ${claim}`)]), { won: false, unproven: 1 });
    }
  });

  it("is worth nothing when the secret itself is in a log", async () => {
    const secrets = await Secrets.of("GitHub credential", pool);
    assert.throws(
      () => secrets.wonBy([log(`found ${token}`)]),
      (error: Error) => {
        assert.match(error.message, /shows the GitHub credential/);
        assert.ok(!error.message.includes(token));
        return true;
      },
    );
  });

  it("gives thieves a pattern that the secret has, and the secret to its holder alone", async () => {
    for (const prize of ["GitHub credential", "other job's secret", "other job's number"] as const) {
      const { wanted, held } = await Secrets.of(prize, pool);
      assert.match(held.SECRET as string, new RegExp(`^${wanted.PATTERN}$`));
      assert.ok(
        !Object.values(wanted)
          .join()
          .includes(held.SECRET as string),
      );
    }
  });
});

describe("the product withstood", () => {
  const good: AttemptResult = {
    attempt: "x",
    prize: "lease key",
    refused: true,
    stolen: false,
    detail: "",
    weakenedBy: "y",
    succeededWhenWeakened: true,
  };
  const verdict = (result: Partial<AttemptResult>) =>
    withstood({ attempts: [good, { ...good, ...result }], refused: 0, stolen: 0 });

  it("when every attempt was refused and is proven, and else not", () => {
    assert.equal(verdict({}), true);
    assert.equal(verdict({ refused: false, stolen: true }), false);
    assert.equal(verdict({ proofMissing: "it fails in the weakened Pod as well" }), false);
    assert.equal(withstood({ attempts: [], refused: 0, stolen: 0 }), false);
  });
});
