import type { Egress } from "./egress";
import { EXIT, PushError } from "./errors";
import { hostAndPort, type RequestFailure } from "./http";

/** A failure on the way to Digdag as the end of the command: layer, endpoint, address, and what to do. */
export class NetworkError extends PushError {
  constructor(
    readonly failure: RequestFailure,
    readonly endpoint: URL,
    readonly egress: Egress,
  ) {
    super(EXIT.unreachable, networkMessage(failure, endpoint, egress), {
      advice: adviceFor(failure, endpoint, egress),
      cause: failure,
    });
  }
}

function networkMessage(failure: RequestFailure, endpoint: URL, egress: Egress): string {
  const from =
    "address" in egress
      ? `this runner leaves from ${egress.address}`
      : `the address this runner leaves from is not known: ${egress.unknown}`;
  return `Digdag was not reached at ${endpoint.origin}, layer ${failure.layer}: ${failure.message} (${from})`;
}

/** What to do about a failure on the way to Digdag. */
export function adviceFor(failure: RequestFailure, endpoint: URL, egress: Egress): string {
  const place = hostAndPort(endpoint);
  switch (failure.layer) {
    case "DNS":
      return `Check that ${endpoint.hostname} is the name in DIGDAG_ENDPOINT you mean, and that the cluster's DNS resolves it.`;
    case "TCP":
      return failure.code === "ECONNREFUSED"
        ? `Nothing listens at ${place}: check the port in DIGDAG_ENDPOINT and the load balancer's listeners.`
        : securityGroupAdvice(place, egress);
    case "TLS":
      return (
        `Check the certificate and the listener of ${place}. A company CA belongs into the runner's base image ` +
        "(or NODE_EXTRA_CA_CERTS); verification cannot be switched off."
      );
    case "auth":
      return "Check DIGDAG_USER with DIGDAG_PASSWORD or DIGDAG_PASSWORD_FILE, or the files that DIGDAG_AUTHORIZATION_FILE and DIGDAG_HEADERS_FILE name. A 403 may also come from a firewall in front of Digdag.";
    default:
      return httpAdvice(failure, endpoint);
  }
}

function securityGroupAdvice(place: string, egress: Egress): string {
  const address = "address" in egress ? `${egress.address}/32` : "the address of the runners' NAT gateway";
  return (
    `Ask the platform team to check that ${address} is allowed in the security group of the load balancer at ${place}: ` +
    "`pulumi up --refresh` on the runner's stack puts a missing rule back."
  );
}

function httpAdvice(failure: RequestFailure, endpoint: URL): string {
  const { status } = failure;
  if (status === 502 || status === 503 || status === 504) {
    return `The load balancer answers, Digdag behind it does not: check Digdag's Pods and the health of the target group of ${endpoint.hostname}.`;
  }
  if (status !== undefined && status >= 300 && status < 400) {
    return "Redirects are not followed, so that credentials stay with the endpoint you named: give the https:// URL that serves Digdag.";
  }
  if (status !== undefined && status < 500) {
    return `Check that ${endpoint.origin} is Digdag's own address: it must serve /api at the root of the host.`;
  }
  return `Look into Digdag's server log of the last minute; the server behind ${endpoint.hostname} is overloaded or broken.`;
}
