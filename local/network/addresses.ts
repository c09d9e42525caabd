/** The bridge that Pods and the servers they talk to share; nothing on it leaves this machine. */
export const bridge = {
  name: "cni0",
  /**
   * A bridge without an address of its own takes that of one of its ports, and with every Pod that comes or goes perhaps another:
   * the other Pods then talk into the void until they ask again, half a minute later.
   */
  hardwareAddress: "0a:58:0a:58:00:01",
  /** The host on the bridge, gateway and DNS server of the Pods. */
  address: "10.88.0.1",
  subnet: "10.88.0.0/24",
  prefixLength: 24,
  /** Addresses that Pods get. */
  podRange: { first: "10.88.0.64", last: "10.88.0.254" },
} as const;

/** Extra addresses of the host on the bridge, one for each server that listens on port 443. */
export const serverAddresses = {
  github: "10.88.0.2",
  albLocal: "10.88.0.3",
  albStg: "10.88.0.4",
  albPrd: "10.88.0.5",
  egress: "10.88.0.6",
  kubernetes: "10.88.0.17",
} as const;

/**
 * Addresses of Services. Nothing forwards them to Pods; but the first belongs to the Service `kubernetes`, by which Pods reach
 * the API server, and is an address of the host.
 */
export const serviceRange = "10.88.0.16/28";

/**
 * `env` in which programs reach the bridge directly, whatever proxy the machine has for the rest. Without it Go programs ask
 * the proxy for every address that is not loopback.
 */
export function reachingBridge(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const direct = [env.NO_PROXY ?? env.no_proxy, "127.0.0.1", bridge.subnet].filter(Boolean).join(",");
  return { ...env, NO_PROXY: direct, no_proxy: direct };
}
