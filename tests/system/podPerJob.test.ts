import assert from "node:assert/strict";
import {
  exec,
  get,
  kubectl,
  namespace,
  onlineRunners,
  pulumi,
  requireLocalSystem,
  runJob,
  stack,
  until,
} from "./support";

interface Pod {
  metadata: { name: string };
  spec: { volumes: { name: string }[] };
}

const pods = async () =>
  (await get<{ items: Pod[] }>("pods", "--selector=app.kubernetes.io/name=digdag-runner")).items;

/** The Pod that a runner belongs to: names are `digdag-STACK.POD.TIMERANDOM`. */
const podOf = (runnerName: string | null | undefined) => runnerName?.split(".")[1];

/** A Pod that no node takes, beside the runners. */
const bystander = "bystander";
const bystanderSpec = {
  nodeSelector: { "digdag-runner/test": "no-node" },
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
  containers: [
    {
      name: bystander,
      image: bystander,
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    },
  ],
};

/** Asks the API server to delete a Pod, as the broker would, but not to do it. Prints status and message. */
const dryDeletion = `
  const { readFileSync } = require("fs");
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, POD_NAMESPACE: namespace, SERVICE_ACCOUNT_DIR: directory } = process.env;
  const read = (file) => readFileSync(directory + "/" + file, "utf8");
  const path = "/api/v1/namespaces/" + namespace + "/pods/" + process.argv[1] + "?dryRun=All";
  const headers = { authorization: "Bearer " + read("token") };
  require("https").request({ host, port, path, headers, method: "DELETE", ca: read("ca.crt"), timeout: 10000 }, (answer) => {
    let text = "";
    answer.on("data", (part) => { text += part; }).on("end", () => console.log(answer.statusCode, JSON.parse(text).message));
  }).end();
`;

describe("a Pod per job", function () {
  this.timeout(600_000);

  before(async () => {
    requireLocalSystem();
    await onlineRunners(1);
    await pulumi("up", stack, ["--config", "digdag-runner:podPerJob=true"]);
    await onlineRunners(1);
  });
  after(async () => {
    await pulumi("up", stack);
    await onlineRunners(1);
    const names = "role,rolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding";
    const left = await kubectl("get", names, "--namespace", namespace, "--output=name");
    assert.doesNotMatch(left, /digdag-runner/);
  });

  it("runs every job in another Pod, and leaves neither a Pod nor a ghost of the former ones", async () => {
    const ran: string[] = [];
    for (const text of ["first", "second"]) {
      const job = await runJob(
        `echo ${text}; ls /var/run/secrets/kubernetes.io 2>/dev/null && echo MOUNTED; true`,
      );
      assert.equal(job.conclusion, "success", job.log);
      assert.doesNotMatch(job.log.split("##[endgroup]").at(-1) as string, /MOUNTED/);
      ran.push(podOf(job.runnerName) as string);
    }
    assert.notEqual(ran[0], ran[1]);
    const [left, ...others] = await until("both Pods are gone and a third is there", 90, async () => {
      const now = await pods();
      return now.length === 1 && !ran.includes(now[0]?.metadata.name as string) && now;
    });
    assert.deepEqual(others, []);
    const [runner] = await onlineRunners(1);
    assert.equal(podOf(runner?.name), left?.metadata.name);
  });

  it("lets the broker's token delete its own Pod and no other", async () => {
    const [runner] = await onlineRunners(1);
    const own = podOf(runner?.name) as string;
    const overrides = JSON.stringify({ spec: bystanderSpec });
    await kubectl("run", bystander, "--namespace", namespace, "--image=x", `--overrides=${overrides}`);
    try {
      const ask = (name: string) =>
        kubectl(
          "exec",
          own,
          "--namespace",
          namespace,
          "-c",
          "broker",
          "--",
          "/opt/node/bin/node",
          "-e",
          dryDeletion,
          name,
        );
      assert.match(await ask(own), /^200 /);
      assert.match(await ask(bystander), /^403 .*a runner may delete its own Pod and no other/);
    } finally {
      await kubectl("delete", "pod", bystander, "--namespace", namespace, "--now");
    }
  });

  it("lets it do nothing else", async () => {
    const as = `--as=system:serviceaccount:${namespace}:digdag-runner`;
    const may = async (...action: string[]) =>
      (await exec("kubectl", ["auth", "can-i", ...action, "--namespace", namespace, as], true)).stdout.trim();
    assert.equal(await may("delete", "pods"), "yes");
    for (const action of [
      ["get", "pods"],
      ["list", "pods"],
      ["create", "pods"],
      ["create", "pods/exec"],
      ["create", "pods/eviction"],
      ["deletecollection", "pods"],
      ["get", "secrets"],
      ["create", "serviceaccounts/token"],
      ["delete", "deployments.apps"],
    ])
      assert.equal(await may(...action), "no", action.join(" "));
  });
});
