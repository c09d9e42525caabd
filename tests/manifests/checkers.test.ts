import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exceptions } from "../../components/checkerExceptions";
import { checkov, type Finding, kubeconform, kubeScore } from "./checkers";
import { everyPlan, type KubernetesObject, objectOf, withoutExceptions, yaml } from "./objects";
import { ensurePrograms, type Programs, versionsWithSchemas, writeSchemas } from "./programs";
import { weakenings } from "./weakenings";

/** The first run builds and installs the checkers. */
const SETUP_MS = 10 * 60_000;
/** README.md: the oldest Kubernetes, and the oldest for `podPerJob`. */
const oldest = { minor: 29, podPerJob: 30 };

const checksOf = (findings: Finding[]) => [...new Set(findings.map(({ check }) => check))].sort();
const objectsOf = (findings: Finding[]) => [...new Set(findings.map(({ object }) => object))];
const deployment = "Deployment/digdag-runner";

describe("Kubernetes objects of the program", () => {
  const directory = mkdtempSync(join(tmpdir(), "digdag-runner-manifests-"));
  /** What only kubeconform looks at. */
  const aside = mkdtempSync(join(tmpdir(), "digdag-runner-schemas-"));
  let programs: Programs;
  let plans: Map<string, KubernetesObject[]>;
  let kinds: Set<string>;
  /** As they are deployed. The same with `bare-` before it: without the annotations that name exceptions. */
  let files: string[];
  let ofCheckov: Awaited<ReturnType<typeof checkov>>;

  const copyOfLargest = () => structuredClone(plans.get("prd-repository-app-podPerJob") ?? []);

  before(async function () {
    this.timeout(SETUP_MS);
    programs = await ensurePrograms((line) => console.error(line));
    plans = await everyPlan();
    kinds = new Set([...plans.values()].flat().map(({ kind }) => kind));
    files = [...plans.keys()].map((name) => `${name}.yaml`);
    const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
    for (const [name, objects] of plans) {
      write(`${name}.yaml`, yaml(objects));
      write(`bare-${name}.yaml`, yaml(withoutExceptions(objects)));
    }
    for (const [index, [name, { change }]] of Object.entries(weakenings).entries()) {
      const objects = withoutExceptions(copyOfLargest());
      change(objects);
      // With names and labels of its own, by which checkov connects objects of all files.
      write(`${name}.yaml`, yaml(objects).replaceAll("digdag-runner", `weakened-${index}`));
    }
    ofCheckov = await checkov(programs, directory);
  });

  after(() => {
    for (const made of [directory, aside]) rmSync(made, { recursive: true });
  });

  it("are all that the program has, over all configurations", () => {
    assert.deepEqual([...kinds].sort(), [
      "ConfigMap",
      "Deployment",
      "ExternalSecret",
      "Namespace",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Role",
      "RoleBinding",
      "Secret",
      "SecretStore",
      "ServiceAccount",
      "ValidatingAdmissionPolicy",
      "ValidatingAdmissionPolicyBinding",
    ]);
    assert.deepEqual(
      [...plans.values()].map(({ length }) => length),
      [6, 10, 6, 10, 7, 7, 8],
    );
  });

  it("have exceptions on the Deployment alone, and none on its Pods", () => {
    for (const object of [...plans.values()].flat()) {
      if (object.kind !== "Deployment") assert.deepEqual([object], withoutExceptions([object]));
      else assert.equal(object.spec.template.metadata.annotations, undefined);
    }
  });

  describe("and kubeconform", () => {
    const conform = (version: string, names: string[]) => {
      const schemas = mkdtempSync(join(aside, `${version}-`));
      writeSchemas(programs, version, kinds, schemas);
      return kubeconform(programs, directory, names, schemas);
    };

    it("finds every field of them in every Kubernetes that they are for", async () => {
      const minors = versionsWithSchemas(programs).map((version) => Number(version.split(".")[1]));
      const supported = minors.filter((minor) => minor >= oldest.minor);
      assert.ok(supported.length > 1);
      await Promise.all(
        supported.map(async (minor) => {
          const possible = files.filter((file) => minor >= oldest.podPerJob || !file.includes("podPerJob"));
          const { valid, findings } = await conform(`1.${minor}`, possible);
          assert.deepEqual(findings, [], `Kubernetes 1.${minor}`);
          assert.equal(valid, minor < oldest.podPerJob ? 34 : 54);
        }),
      );
    });

    it("knows no ValidatingAdmissionPolicy in a Kubernetes before 1.30", async () => {
      const { findings } = await conform("1.29", ["stg-organization-app-podPerJob.yaml"]);
      assert.deepEqual(checksOf(findings), [
        "could not find schema for ValidatingAdmissionPolicy",
        "could not find schema for ValidatingAdmissionPolicyBinding",
      ]);
    });

    for (const [what, kind, change, says] of [
      [
        "a value in the template of an ExternalSecret",
        "ExternalSecret",
        { target: { name: "a", template: { data: { token: "x" } } } },
        /additional properties 'data'/,
      ],
      [
        "a SecretStore without a region",
        "SecretStore",
        { provider: { aws: { service: "ParameterStore" } } },
        /region/,
      ],
    ] as const)
      it(`refuses ${what}`, async () => {
        const objects = structuredClone(plans.get("prd-organization-app-externalSecrets") ?? []);
        Object.assign(objectOf(objects, kind).spec, change);
        const file = join(aside, `${what}.yaml`);
        writeFileSync(file, yaml(objects));
        const { findings } = await conform("1.35", [file]);
        assert.deepEqual(
          findings.map(({ object }) => object.split("/")[0]),
          [kind],
        );
        assert.match(findings[0]?.check ?? "", says);
      });

    for (const [what, change, says] of [
      ["an unknown field", { terminationGracePeriod: 60 }, /additional properties 'terminationGracePeriod'/],
      ["a value of another type", { automountServiceAccountToken: "no" }, /got string, want null or boolean/],
    ] as const)
      it(`refuses ${what}`, async () => {
        const objects = copyOfLargest();
        Object.assign(objectOf(objects, "Deployment").spec.template.spec, change);
        const file = join(aside, `${what}.yaml`);
        writeFileSync(file, yaml(objects));
        const { findings } = await conform("1.35", [file]);
        assert.deepEqual(objectsOf(findings), [deployment]);
        assert.match(findings[0]?.check ?? "", says);
      });
  });

  describe("and kube-score", () => {
    const excepted = exceptions.flatMap(({ kubeScore = [] }) => kubeScore).sort();
    const scoreAll = async (names: string[], flags?: string[]) =>
      (await Promise.all(names.map((name) => kubeScore(programs, directory, name, flags)))).flat();
    const ignoreCpuLimit = ["--ignore-container-cpu-limit"];

    it("has nothing against them", async () => {
      assert.deepEqual(await scoreAll(files), []);
    });

    it("has just what is excepted against them, where exceptions do not count", async () => {
      const findings = await scoreAll(files.map((file) => `bare-${file}`));
      assert.deepEqual(checksOf(findings), excepted);
      assert.deepEqual(objectsOf(findings), [deployment]);
    });

    it("misses no resource but a limit of CPU", async () => {
      const bare = files.map((file) => `bare-${file}`);
      assert.ok(!checksOf(await scoreAll(bare, ignoreCpuLimit)).includes("container-resources"));
    });

    for (const [name, { kubeScore: check }] of Object.entries(weakenings))
      if (check)
        it(`finds ${name}`, async () => {
          const found = checksOf(await scoreAll([`${name}.yaml`], ignoreCpuLimit));
          assert.ok(found.includes(check), found.join());
        });
  });

  describe("and checkov", () => {
    const excepted = exceptions.flatMap(({ checkov = [] }) => checkov).sort();
    const inFiles = (names: string[]) => ofCheckov.findings.filter(({ file }) => names.includes(file));

    it("has nothing against them", () => {
      assert.deepEqual(inFiles(files), []);
      assert.ok(ofCheckov.passed > 1000, `only ${ofCheckov.passed} checks passed`);
    });

    it("has just what is excepted against them, where exceptions do not count", () => {
      const findings = inFiles(files.map((file) => `bare-${file}`));
      assert.deepEqual(checksOf(findings), excepted);
      assert.deepEqual(objectsOf(findings), [deployment]);
    });

    for (const [name, { checkov: check }] of Object.entries(weakenings))
      if (check)
        it(`finds ${name}`, () => {
          const found = checksOf(inFiles([`${name}.yaml`]));
          assert.ok(found.includes(check), found.join());
        });
  });
});
