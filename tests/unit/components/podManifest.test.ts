import assert from "node:assert/strict";
import {
  deploymentSpec,
  disruptionBudgetSpec,
  namespaceManifest,
  networkPolicySpec,
  rolloutTimeouts,
} from "../../../components/manifests";
import { gracePeriodSeconds, type PodArgs, podManifest } from "../../../components/podManifest";
import { readBrokerSettings } from "../../../runner-image/broker/settings";
import { RESTART_FILE } from "../../../runner-image/broker/supervisorPulse";

const args: PodArgs = {
  environment: "stg",
  image: `registry.example.com/digdag-runner@sha256:${"ab".repeat(32)}`,
  credentialSecret: "github-credential",
  githubApiUrl: "https://api.github.com",
  githubOwner: "example-org",
  githubRepository: "digdag-workflows",
  runnerLabels: ["self-hosted", "digdag", "stg"],
  digdagEndpoint: "https://digdag.stg.example.com",
  egressAddressUrl: "https://checkip.amazonaws.com",
  maxJobMinutes: 9,
  podPerJob: false,
  runnerCpu: "250m",
  runnerMemory: "1Gi",
  platform: "linux/amd64",
};
const { metadata, spec } = podManifest(args);
const [broker, ...otherSidecars] = spec.initContainers;
const [runner, ...otherContainers] = spec.containers;
assert.ok(broker && runner);
const containers = [broker, runner];

const variables = (container: { env: object[] }): Record<string, string> =>
  Object.fromEntries(
    (container.env as { name: string; value: string }[]).map(({ name, value }) => [name, value]),
  );

describe("the Pod", () => {
  it("has one sidecar, the broker, and one container, the runner, of the same image", () => {
    assert.deepEqual([otherSidecars, otherContainers], [[], []]);
    assert.deepEqual([broker.name, broker.restartPolicy, runner.name], ["broker", "Always", "runner"]);
    assert.deepEqual([broker.image, runner.image], [args.image, args.image]);
  });

  it("mounts the credential into the broker and nowhere else, readable by its group at most", () => {
    const mounts = containers.map(
      ({ volumeMounts }) => volumeMounts.filter(({ name }) => name === "credential").length,
    );
    assert.deepEqual(mounts, [1, 0]);
    const volume = spec.volumes.find(({ name }) => name === "credential");
    assert.deepEqual(volume, {
      name: "credential",
      secret: { secretName: "github-credential", defaultMode: 0o440 },
    });
  });

  it("keeps every volume of the broker's own out of the runner", () => {
    const shared = runner.volumeMounts.filter(({ name }) =>
      broker.volumeMounts.some((mount) => mount.name === name),
    );
    assert.deepEqual(shared, [{ name: "lease", mountPath: "/run/lease", readOnly: true }]);
  });

  it("holds no credential in any environment variable", () => {
    for (const { env } of containers) {
      for (const { name, valueFrom } of env as { name: string; valueFrom?: object }[]) {
        assert.doesNotMatch(name, /TOKEN|SECRET|PASSWORD|KEY/);
        if (valueFrom) assert.deepEqual(Object.keys(valueFrom), ["fieldRef"]);
      }
    }
  });

  it("has no service account token", () => {
    assert.equal(spec.automountServiceAccountToken, false);
  });

  it("meets Pod Security restricted, with a read-only root beyond it", () => {
    assert.equal(spec.securityContext.runAsNonRoot, true);
    assert.deepEqual(spec.securityContext.seccompProfile, { type: "RuntimeDefault" });
    for (const { securityContext } of containers) {
      assert.equal(securityContext.allowPrivilegeEscalation, false);
      assert.equal(securityContext.readOnlyRootFilesystem, true);
      assert.deepEqual(securityContext.capabilities, { drop: ["ALL"] });
    }
  });

  it("runs broker and runner as different users of one group, neither of them root", () => {
    const { runAsUser, runAsGroup, fsGroup } = spec.securityContext;
    assert.deepEqual([runAsUser, runAsGroup, fsGroup], [10001, 10001, 10001]);
    const { runAsUser: user, runAsGroup: group } = broker.securityContext;
    assert.deepEqual([user, group], [10002, 10001]);
  });

  it("limits the size of every volume it may write to", () => {
    for (const volume of spec.volumes) {
      if ("emptyDir" in volume) assert.match(volume.emptyDir.sizeLimit, /^\d+(Mi|Gi)$/, volume.name);
    }
  });

  it("keeps the lease in memory", () => {
    const volume = spec.volumes.find(({ name }) => name === "lease");
    assert.deepEqual(volume, { name: "lease", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } });
  });

  it("has every writable place of a job wiped between jobs", () => {
    const writable = runner.volumeMounts
      .filter((mount) => !("readOnly" in mount))
      .map(({ mountPath }) => mountPath);
    assert.deepEqual(variables(runner).WORK_DIRS?.split(":").sort(), writable.sort());
  });

  it("mounts every volume it declares, and declares every volume it mounts", () => {
    const mounted = new Set(containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name)));
    assert.deepEqual([...mounted].sort(), spec.volumes.map(({ name }) => name).sort());
  });

  it("tells the broker all it needs", () => {
    assert.deepEqual(variables(broker), {
      POD_NAME: undefined,
      GITHUB_API_URL: "https://api.github.com",
      GITHUB_OWNER: "example-org",
      GITHUB_REPOSITORY: "digdag-workflows",
      GITHUB_APP_ID: "",
      GITHUB_CREDENTIAL_FILE: "/run/secrets/github/token",
      RUNNER_LABELS: "self-hosted,digdag,stg",
      RUNNER_GROUP: "",
      RUNNER_NAME_PREFIX: "digdag-stg",
      LEASE_SOCKET: "/run/lease/broker.sock",
      BROKER_STATE_DIR: "/run/broker",
      HTTP_PORT: "8080",
      DIGDAG_ENDPOINT: "https://digdag.stg.example.com",
      EGRESS_ADDRESS_URL: "https://checkip.amazonaws.com",
      MAX_JOB_MINUTES: "9",
    });
    const organization = podManifest({ ...args, githubRepository: undefined });
    assert.deepEqual(
      organization.spec.initContainers.map((container) => variables(container).GITHUB_REPOSITORY),
      [""],
    );
  });

  it("names the App, its key's file and the runner group to the broker alone", () => {
    const { spec } = podManifest({ ...args, githubAppId: "123456", runnerGroup: "digdag stg" });
    const [ofBroker = {}, ofRunner = {}] = [...spec.initContainers, ...spec.containers].map(variables);
    assert.equal(ofBroker.GITHUB_APP_ID, "123456");
    assert.equal(ofBroker.GITHUB_CREDENTIAL_FILE, "/run/secrets/github/private-key.pem");
    assert.equal(ofBroker.RUNNER_GROUP, "digdag stg");
    assert.deepEqual(ofRunner, variables(runner));
  });

  describe("behind a proxy", () => {
    const httpsProxy = "http://proxy.example.com:3128";
    const { spec } = podManifest({ ...args, httpsProxy, noProxy: [".internal.example.com", "localhost"] });
    const all = [...spec.initContainers, ...spec.containers].map(variables);

    it("names it to both containers, in both cases", () => {
      for (const names of all) {
        for (const name of ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"])
          assert.equal(names[name], httpsProxy, name);
        assert.equal(names.no_proxy, names.NO_PROXY);
      }
    });

    it("reaches itself, Digdag, the cluster, instance metadata and the named hosts directly", () => {
      for (const { no_proxy } of all) {
        assert.deepEqual(no_proxy?.split(",").sort(), [
          "$(KUBERNETES_SERVICE_HOST)",
          ".internal.example.com",
          "127.0.0.1",
          "169.254.169.254",
          "169.254.170.23",
          "digdag.stg.example.com",
          "localhost",
        ]);
      }
    });

    it("differs in nothing else", () => {
      const without = (names: Record<string, string>) =>
        Object.fromEntries(Object.entries(names).filter(([name]) => !/_proxy$/i.test(name)));
      assert.deepEqual(all.map(without), containers.map(variables));
    });
  });

  it("tells the runner where Digdag is and nothing of GitHub", () => {
    const { WORK_DIRS, ...others } = variables(runner);
    assert.deepEqual(others, {
      HOME: "/home/runner",
      JOB_STARTED_HOOK: "/opt/digdag-runner/job-started.sh",
      LEASE_SOCKET: "/run/lease/broker.sock",
      RUNNER_SOURCE: "/opt/actions-runner",
      RUNNER_HOME: "/runner",
      DIGDAG_ENDPOINT: "https://digdag.stg.example.com",
      EGRESS_ADDRESS_URL: "https://checkip.amazonaws.com",
      MAX_JOB_MINUTES: "9",
    });
  });

  it("is probed on the broker's port, which knows GitHub's view", () => {
    const paths = [broker.startupProbe, broker.readinessProbe, broker.livenessProbe].map(
      ({ httpGet }) => httpGet,
    );
    assert.deepEqual(paths, [
      { path: "/livez", port: 8080 },
      { path: "/readyz", port: 8080 },
      { path: "/livez", port: 8080 },
    ]);
  });

  it("restarts the runner for a file that only the broker can make, whatever becomes of the broker", () => {
    const { exec, timeoutSeconds } = runner.livenessProbe;
    assert.deepEqual(exec.command, ["/usr/bin/test", "!", "-e", `/run/lease/${RESTART_FILE}`]);
    // Slow to answer is not dead: a node under load must not end a job.
    assert.ok(timeoutSeconds >= 60);
    const lease = runner.volumeMounts.find(({ mountPath }) => mountPath === "/run/lease");
    assert.ok(lease && "readOnly" in lease && lease.readOnly);
  });

  it("gives a job its whole time and then a minute to end", () => {
    assert.equal(gracePeriodSeconds(9), 600);
    assert.equal(spec.terminationGracePeriodSeconds, 600);
  });

  it("is spread over zones and nodes, and runs on nodes of its architecture", () => {
    assert.deepEqual(
      spec.topologySpreadConstraints.map(({ topologyKey }) => topologyKey),
      ["topology.kubernetes.io/zone", "kubernetes.io/hostname"],
    );
    assert.equal(spec.nodeSelector["kubernetes.io/arch"], "amd64");
    assert.equal(
      podManifest({ ...args, platform: "linux/arm64" }).spec.nodeSelector["kubernetes.io/arch"],
      "arm64",
    );
  });

  it("reserves the memory it may use, and leaves its CPU unlimited", () => {
    for (const { resources } of containers) {
      assert.equal(resources.requests.memory, resources.limits.memory);
      assert.ok(resources.requests.cpu);
      assert.deepEqual(Object.keys(resources.limits), ["memory", "ephemeral-storage"]);
    }
  });

  it("may use more disk than all of a job's volumes hold, so that the limit ends no job but one that floods its log", () => {
    const gibibytes = (quantity: string) => Number(/^(\d+)Gi$/.exec(quantity)?.[1]);
    const volumes = spec.volumes.flatMap((volume) =>
      "emptyDir" in volume && !("medium" in volume.emptyDir) ? gibibytes(volume.emptyDir.sizeLimit) : [],
    );
    assert.equal(volumes.length, 3);
    const sum = volumes.reduce((total, size) => total + size);
    const limits = [broker, runner].map(({ resources }) => gibibytes(resources.limits["ephemeral-storage"]));
    assert.deepEqual(limits, [1, sum + 1]);
  });

  it("has the priority that is asked for, and else the cluster's default", () => {
    const { spec: urgent } = podManifest({ ...args, priorityClassName: "deployments" });
    assert.deepEqual(urgent, { ...spec, priorityClassName: "deployments" });
    assert.ok(!("priorityClassName" in spec));
  });

  describe("that ends after its job", () => {
    const ending = podManifest({ ...args, podPerJob: true });
    const [itsBroker] = ending.spec.initContainers;
    const [itsRunner] = ending.spec.containers;
    assert.ok(itsBroker && itsRunner);
    const account = {
      name: "account",
      mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
      readOnly: true,
    };

    it("gives the broker a token of one hour, and a job none", () => {
      assert.equal(ending.spec.automountServiceAccountToken, false);
      assert.deepEqual(ending.spec.containers, spec.containers);
      assert.deepEqual(
        itsBroker.volumeMounts.filter(
          (mount) => !broker.volumeMounts.some(({ name }) => name === mount.name),
        ),
        [account],
      );
      const added = ending.spec.volumes.filter(({ name }) => !spec.volumes.some((one) => one.name === name));
      assert.deepEqual(added, [
        {
          name: "account",
          projected: {
            defaultMode: 0o440,
            sources: [
              { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
              { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
            ],
          },
        },
      ]);
    });

    it("tells the broker to end it, and what it is", () => {
      const { POD_PER_JOB, SERVICE_ACCOUNT_DIR, POD_NAMESPACE, ...others } = variables(itsBroker);
      assert.deepEqual([POD_PER_JOB, SERVICE_ACCOUNT_DIR], ["1", account.mountPath]);
      assert.deepEqual(others, variables(broker));
      const kubernetes = { KUBERNETES_SERVICE_HOST: "10.100.0.1", KUBERNETES_SERVICE_PORT: "443" };
      const set = { ...variables(itsBroker), POD_NAME: "runner-1", POD_NAMESPACE: "runners", ...kubernetes };
      assert.deepEqual(readBrokerSettings(set).ownPod, {
        name: "runner-1",
        namespace: "runners",
        apiHost: "10.100.0.1",
        apiPort: 443,
        accountDirectory: account.mountPath,
      });
      assert.equal(readBrokerSettings({ ...variables(broker), POD_NAME: "runner-1" }).ownPod, undefined);
    });

    it("differs in nothing else", () => {
      const without = (pod: typeof ending) => {
        const { initContainers, volumes, ...others } = pod.spec;
        const [{ env, volumeMounts, ...sidecar }] = initContainers as [(typeof initContainers)[number]];
        return { metadata: pod.metadata, others, sidecar };
      };
      assert.deepEqual(without(ending), without({ metadata, spec }));
    });
  });

  it("is decided by its arguments alone", () => {
    assert.deepEqual(podManifest(args), { metadata, spec });
  });
});

describe("the Deployment", () => {
  const deployment = deploymentSpec({ ...args, replicas: 3 });

  it("never has fewer runners online than it should", () => {
    assert.deepEqual(deployment.strategy.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 });
    assert.deepEqual(disruptionBudgetSpec("stg").maxUnavailable, 1);
  });

  it("selects its own Pods, as do the budget and the policy", () => {
    const { matchLabels } = deployment.selector;
    const labels: Record<string, string> = deployment.template.metadata.labels;
    for (const [key, value] of Object.entries(matchLabels)) assert.equal(labels[key], value);
    assert.deepEqual(disruptionBudgetSpec("stg").selector.matchLabels, matchLabels);
    assert.deepEqual(networkPolicySpec("stg", []).podSelector.matchLabels, matchLabels);
  });

  it("gives up on a bad image within minutes, and gives each Pod of a good roll-out its time", () => {
    assert.ok(deployment.progressDeadlineSeconds <= 180);
    for (const replicas of [1, 3, 50]) {
      const { create, update } = rolloutTimeouts({ replicas, maxJobMinutes: 9 });
      assert.equal(create, update);
      const seconds = Number.parseInt(create, 10);
      assert.ok(seconds > deployment.progressDeadlineSeconds && seconds >= 20 * replicas, create);
      assert.ok(seconds <= 300 || replicas > 4, create);
    }
  });

  it("waits for the longest job before it calls a deletion failed", () => {
    for (const maxJobMinutes of [1, 9, 360]) {
      const timeout = Number.parseInt(rolloutTimeouts({ replicas: 1, maxJobMinutes }).delete, 10);
      assert.ok(timeout > gracePeriodSeconds(maxJobMinutes));
    }
  });
});

describe("the namespace", () => {
  it("refuses Pods that are not restricted", () => {
    const { labels } = namespaceManifest("stg", "digdag-runner-stg").metadata;
    assert.equal((labels as Record<string, string>)["pod-security.kubernetes.io/enforce"], "restricted");
  });
});
