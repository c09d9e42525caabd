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
} as const;
