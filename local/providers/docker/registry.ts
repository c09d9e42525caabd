const MANIFEST_TYPES = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
].join(", ");
const TIMEOUT_MS = 30_000;

/** A manifest as a registry on loopback serves it. */
interface Manifest {
  digest: string;
  type: string;
  body: string;
}

/** `sha256:…` of a tag or digest; undefined when the registry has no such manifest. */
export async function digestOf(
  registry: string,
  repository: string,
  reference: string,
): Promise<string | undefined> {
  return (await manifest(registry, repository, reference))?.digest;
}

/** Gives an image that the registry has another tag, without moving any layer. */
export async function addTag(registry: string, repository: string, from: string, to: string): Promise<void> {
  const found = await manifest(registry, repository, from);
  if (!found) {
    throw new Error(`the registry ${registry} has no ${repository}:${from}`);
  }
  const response = await fetch(manifestUrl(registry, repository, to), {
    method: "PUT",
    headers: { "content-type": found.type },
    body: found.body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) {
    throw new Error(`the registry ${registry} refused the tag ${repository}:${to}: HTTP ${response.status}`);
  }
}

async function manifest(
  registry: string,
  repository: string,
  reference: string,
): Promise<Manifest | undefined> {
  const response = await fetch(manifestUrl(registry, repository, reference), {
    headers: { accept: MANIFEST_TYPES },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status === 404) {
    return undefined;
  }
  const body = await response.text();
  const digest = response.headers.get("docker-content-digest");
  if (!response.ok || digest === null) {
    throw new Error(
      `the registry ${registry} answered HTTP ${response.status} for ${repository}:${reference}`,
    );
  }
  return { digest, type: response.headers.get("content-type") ?? "", body };
}

function manifestUrl(registry: string, repository: string, reference: string): string {
  return `http://${registry}/v2/${repository}/manifests/${reference}`;
}
