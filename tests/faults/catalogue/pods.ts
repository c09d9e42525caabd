import { isLiving, kubectl } from "../cluster";
import { type Fault, type Moment, moments } from "../fault";
import { imageUnderTest } from "../pool";
import { deletePod } from "./gitHubApi";

const live: readonly Moment[] = moments.filter((moment) => moment !== "draining");

const deleted: Fault = {
  name: "Pod deleted",
  moments: live,
  async begin({ victim }) {
    await deletePod(victim);
    return undefined;
  },
};

const forceDeleted: Fault = {
  name: "Pod deleted by force, without grace",
  moments,
  destroysJob: true,
  async begin({ victim: { metadata } }) {
    const { name, namespace } = metadata;
    await kubectl([
      "delete",
      "pod",
      name,
      "--namespace",
      namespace,
      "--grace-period=0",
      "--force",
      "--wait=false",
    ]);
    return undefined;
  },
};

const evicted: Fault = {
  name: "Pod evicted through the API",
  moments: live,
  async begin({ victim: { metadata } }) {
    const { name, namespace } = metadata;
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    await kubectl(["create", "--raw", path, "-f", "-"], { input: JSON.stringify(eviction) });
    return undefined;
  },
};

/** How long a roll-out may take: jobs that run are waited for, and a new Pod must be ready for 10 s. */
const rolloutSeconds = 150;

async function rolledOut(namespace: string): Promise<void> {
  const timeout = `--timeout=${rolloutSeconds}s`;
  await kubectl(["rollout", "status", "deployment/digdag-runner", "--namespace", namespace, timeout]);
}

const imageRollout: Fault = {
  name: "roll-out of another image",
  moments: live,
  async begin({ pool, flow, otherImage }) {
    await flow.start();
    const [usual, other] = [await imageUnderTest(), await otherImage()];
    const [pod] = (await pool.pods()).filter(isLiving);
    await pool.deploy({ image: pod?.spec.containers[0]?.image === other ? usual : other });
    return { end: () => rolledOut(pool.namespace) };
  },
};

const configurationRollout: Fault = {
  name: "roll-out of another configuration",
  moments: live,
  async begin({ pool, flow, random }) {
    await flow.start();
    await pool.deploy({ extraLabels: [`colour-${random.whole(1, 1_000_000)}`] });
    return { end: () => rolledOut(pool.namespace) };
  },
};

const sidecarImage: Fault = {
  name: "broker's image changed in a running Pod",
  moments: live,
  async begin({ victim: { metadata }, otherImage }) {
    const { name, namespace } = metadata;
    const image = await otherImage();
    const patch = JSON.stringify({ spec: { initContainers: [{ name: "broker", image }] } });
    await kubectl(["patch", "pod", name, "--namespace", namespace, "--patch", patch]);
    return undefined;
  },
};

const scaledIn: Fault = {
  name: "scale-in",
  moments: ["idle", "job starting", "job running", "between jobs"],
  replicas: 2,
  async begin({ pool }) {
    await pool.deploy({ replicas: 1 });
    return undefined;
  },
};

const scaledOut: Fault = {
  name: "scale-out",
  moments: ["idle", "job starting", "job running", "between jobs"],
  async begin({ pool }) {
    await pool.deploy({ replicas: 2 });
    return undefined;
  },
};

const scaledToNothing: Fault = {
  name: "scaled to nothing, then back",
  moments: ["idle", "job running"],
  lasts: [3, 8],
  async begin({ pool }) {
    await pool.deploy({ replicas: 0 });
    return { end: () => pool.deploy({ replicas: 1 }) };
  },
};

export const podFaults: readonly Fault[] = [
  deleted,
  forceDeleted,
  evicted,
  imageRollout,
  configurationRollout,
  sidecarImage,
  scaledIn,
  scaledOut,
  scaledToNothing,
];
