import { stopProcess } from "../lib/processes";
import { removeBridge } from "./bridge";

export { bridge, serverAddresses } from "./addresses";
export { ensureBridge } from "./bridge";
export { ensureAuthority, ensureCertificate, type KeyPair } from "./certificates";
export { startDns } from "./dns";

/** Ends the DNS server and removes the bridge with its addresses. */
export async function removeNetwork(): Promise<void> {
  await stopProcess("dnsmasq");
  await removeBridge();
}
