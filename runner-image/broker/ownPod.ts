import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { isAbort } from "../shared/backoff";
import { messageOf } from "../shared/log";

/** This Pod, and where it reaches the API server. */
export interface OwnPod {
  name: string;
  namespace: string;
  /** Host name or address of the API server, which every container is told. */
  apiHost: string;
  apiPort: number;
  /** Holds `token` and `ca.crt`, which the kubelet renews: they are read at each use. */
  accountDirectory: string;
}

const TIMEOUT_MS = 10_000;
const MENDS_IT = "`pulumi up --refresh` makes it as it should be.";

/**
 * Asks the API server to delete this Pod, so that its ReplicaSet makes a new one; a Pod that is gone already is no error.
 * The deletion takes its course after the answer: the kubelet stops the runner container first, and this one last.
 * @throws Error that says what to do; asking again later is safe
 */
export async function deleteOwnPod(pod: OwnPod): Promise<void> {
  const { name, namespace } = pod;
  const { status, said } = await call(pod, "DELETE", `/api/v1/namespaces/${namespace}/pods/${name}`);
  if ((status >= 200 && status < 300) || status === 404) return;
  const failure = `the API server answered ${status} to the deletion of this Pod, ${namespace}/${name}: ${said}.`;
  if (status === 401)
    throw new Error(
      `${failure} It does not accept the token in ${pod.accountDirectory}, which the kubelet renews.`,
    );
  if (status === 403)
    throw new Error(
      `${failure} Role and RoleBinding digdag-runner of this namespace let it delete Pods, and the ` +
        `ValidatingAdmissionPolicy ${namespace}-own-pod itself alone. ${MENDS_IT}`,
    );
  throw new Error(failure);
}

async function call(pod: OwnPod, method: string, path: string): Promise<{ status: number; said: string }> {
  const [token, ca] = await Promise.all([accountFile(pod, "token"), accountFile(pod, "ca.crt")]);
  const { apiHost: host, apiPort: port } = pod;
  try {
    return await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token.trim()}`, accept: "application/json" };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const outgoing = request({ host, port, method, path, headers, ca, signal, agent: false }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, said: messageIn(text) }));
        answer.on("error", reject);
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  } catch (error) {
    const why = isAbort(error) ? `no answer within ${TIMEOUT_MS / 1000} s` : messageOf(error);
    throw new Error(
      `the API server at ${host}:${port} cannot be reached from this Pod: ${why}. ` +
        "The cluster's network must let Pods reach it on this port.",
    );
  }
}

async function accountFile({ accountDirectory }: OwnPod, name: string): Promise<string> {
  const file = join(accountDirectory, name);
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} cannot be read (${error.code}): the Deployment must mount it. ${MENDS_IT}`);
  });
}

/** The message of a Kubernetes `Status`; else the beginning of whatever answered. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return message.replace(/\.$/, "");
  } catch {
    // not from an API server, so its text is all there is to show
  }
  return JSON.stringify(text.slice(0, 200));
}
