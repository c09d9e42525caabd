/** A proxy between the Pods and the internet. */
export interface ProxyArgs {
  /** `http://HOST:PORT`; not set: no proxy. */
  httpsProxy?: string;
  /** Hosts that are reached directly, beside those that always are. */
  noProxy?: string[];
  digdagEndpoint: string;
}

/** What is never asked through a proxy: this Pod itself, instance metadata and credentials of EKS, and the cluster. */
const alwaysDirect = [
  "localhost",
  "127.0.0.1",
  "169.254.169.254",
  "169.254.170.23",
  // The kubelet puts the address of the Kubernetes API in its place.
  "$(KUBERNETES_SERVICE_HOST)",
];

/** What is wrong with a proxy's URL; undefined when it is fine. */
export function httpsProxyProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.username || url?.password) {
    return "must not carry a user name or password, which every job could read: let the proxy admit the Pods by their address";
  }
  if (url !== undefined && url.protocol !== "http:") {
    return "must start with http://, the only way in which GitHub's runner speaks to a proxy; what goes through it stays encrypted";
  }
  return url && /^http:\/\/([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):\d+\/?$/.test(value)
    ? undefined
    : "must be http://HOST:PORT";
}

/** What is wrong with one host of noProxy; undefined when it is fine. */
export function noProxyProblem(value: string): string | undefined {
  return /^\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(value)
    ? undefined
    : "must be a host name or an address, without a scheme, a port, a range or an asterisk";
}

/**
 * The proxy variables of both containers, in both cases because programs differ in which they read. Digdag is always
 * reached directly: its load balancer admits the NAT gateways' addresses and not the proxy's.
 */
export function proxyVariables({
  httpsProxy,
  noProxy = [],
  digdagEndpoint,
}: ProxyArgs): Record<string, string> {
  if (httpsProxy === undefined) return {};
  const direct = [...new Set([...alwaysDirect, new URL(digdagEndpoint).hostname, ...noProxy])].join(",");
  const variables = { http_proxy: httpsProxy, https_proxy: httpsProxy, no_proxy: direct };
  const upper = Object.entries(variables).map(([name, value]) => [name.toUpperCase(), value]);
  return { ...variables, ...Object.fromEntries(upper) };
}
