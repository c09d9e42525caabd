import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import * as tls from "node:tls";
import { adviceFor } from "./advice";
import type { Credentials } from "./credentials";
import type { DigdagApi } from "./digdagApi";
import type { Egress } from "./egress";
import { messageOf, printable } from "./errors";
import { hostAndPort, RequestFailure } from "./http";
import { ARCHIVE_LIMIT, type Limits } from "./limits";

/** One step on the way to Digdag. */
export interface Step {
  name: "proxy" | "DNS" | "TCP" | "TLS" | "HTTP" | "version" | "auth" | "database" | "project" | "limits";
  verdict: "ok" | "warning" | "failed" | "skipped";
  /** What was seen. */
  detail: string;
  /** What to do; absent when there is nothing. */
  advice?: string;
}

export interface DoctorRequest {
  endpoint: URL;
  project?: string;
  credentials: Credentials;
  proxyFor: (url: URL) => URL | undefined;
}

/** The Digdag whose contract this program was measured against. */
const KNOWN_VERSION = "0.10.5.1";

/**
 * Tries every step on the way to Digdag on its own. Changes nothing, and never throws for what it finds.
 *
 * @param egress asked only when a step fails
 */
export async function examine(
  request: DoctorRequest,
  api: DigdagApi,
  limits: Limits,
  egress: () => Promise<Egress>,
): Promise<Step[]> {
  const examination = new Examination(request, api, limits, egress);
  await examination.run();
  return examination.steps;
}

class Examination {
  readonly steps: Step[] = [];
  private stopped = false;

  constructor(
    private readonly request: DoctorRequest,
    private readonly api: DigdagApi,
    private readonly limits: Limits,
    private readonly egress: () => Promise<Egress>,
  ) {}

  async run(): Promise<void> {
    const { endpoint } = this.request;
    const proxy = this.request.proxyFor(endpoint);
    if (proxy !== undefined) {
      this.add(
        "proxy",
        "ok",
        `${endpoint.host} is asked through ${proxy.host}, which resolves names and connects itself`,
      );
    } else {
      await this.step("DNS", () => this.dns());
      await this.step("TCP", () => this.tcp());
      await this.step("TLS", () => this.tls());
    }
    let version = "";
    await this.step("HTTP", async () => {
      version = await this.api.version();
      return `${endpoint.origin} answers /api/version`;
    });
    await this.step("version", async () => this.version(version));
    await this.authAndDatabase();
    await this.step("project", () => this.project());
    this.add(
      "limits",
      "ok",
      `an archive may have ${ARCHIVE_LIMIT} bytes, packed and unpacked, unless the server sets api.max_archive_total_size_limit; a push may take ${this.limits.push / 1000} s`,
    );
  }

  private add(name: Step["name"], verdict: Step["verdict"], detail: string, advice?: string): void {
    this.steps.push({
      name,
      verdict,
      detail: printable(detail, 400),
      ...(advice !== undefined && { advice }),
    });
  }

  /** A step that comes to nothing when one before it failed. */
  private async step(name: Step["name"], look: () => Promise<string | Omit<Step, "name">>): Promise<void> {
    if (this.stopped) {
      this.add(name, "skipped", "not reached");
      return;
    }
    try {
      const seen = await look();
      if (typeof seen === "string") this.add(name, "ok", seen);
      else this.add(name, seen.verdict, seen.detail, seen.advice);
    } catch (error) {
      this.stopped = true;
      await this.failed(name, error);
    }
  }

  private async failed(name: Step["name"], error: unknown): Promise<void> {
    if (!(error instanceof RequestFailure)) {
      this.add(name, "failed", messageOf(error));
      return;
    }
    const egress = await this.egress();
    const from = "address" in egress ? ` (this runner leaves from ${egress.address})` : "";
    this.add(name, "failed", `${error.message}${from}`, adviceFor(error, this.request.endpoint, egress));
  }

  private get host(): string {
    return this.request.endpoint.hostname.replace(/^\[|\]$/g, "");
  }

  private async dns(): Promise<string | Omit<Step, "name">> {
    if (isIP(this.host) !== 0) return { verdict: "skipped", detail: `${this.host} is an address` };
    const timeout = this.limits.connect;
    const answer = await within(timeout, lookup(this.host, { all: true })).catch((error) => {
      const { code } = error as NodeJS.ErrnoException;
      const why = code === undefined ? `no answer from the name server within ${timeout / 1000} s` : code;
      throw new RequestFailure("DNS", `${this.host} does not resolve (${why})`, { code });
    });
    return `${this.host} is ${answer.map(({ address }) => address).join(", ")}`;
  }

  private async tcp(): Promise<string> {
    const { endpoint } = this.request;
    const port = Number(endpoint.port) || (endpoint.protocol === "https:" ? 443 : 80);
    const started = performance.now();
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host: this.host, port });
      socket.setTimeout(this.limits.connect);
      const end = (failure?: RequestFailure) => {
        socket.destroy();
        if (failure === undefined) resolve();
        else reject(failure);
      };
      socket.once("connect", () => end());
      socket.once("timeout", () =>
        end(
          new RequestFailure(
            "TCP",
            `no answer from ${hostAndPort(endpoint)} within ${this.limits.connect / 1000} s: packets are dropped on the way`,
            { code: "TIMEOUT" },
          ),
        ),
      );
      socket.once("error", (error: NodeJS.ErrnoException) =>
        end(
          new RequestFailure("TCP", `no connection to ${hostAndPort(endpoint)} (${error.code})`, {
            code: error.code,
          }),
        ),
      );
    });
    return `${hostAndPort(endpoint)} accepts connections, in ${Math.round(performance.now() - started)} ms`;
  }

  private async tls(): Promise<string | Omit<Step, "name">> {
    const { endpoint } = this.request;
    if (endpoint.protocol !== "https:") {
      return {
        verdict: "warning",
        detail: "the endpoint is http: credentials and archives are not encrypted",
        advice: "Give the https:// address of the load balancer, where there is one.",
      };
    }
    const certificate = await this.handshake(Number(endpoint.port) || 443);
    const days = Math.floor((Date.parse(certificate.valid_to) - Date.now()) / 86_400_000);
    const name = (part: tls.Certificate | undefined) => part?.O ?? part?.CN ?? "unknown";
    const detail = `certificate by ${name(certificate.issuer)}, valid for ${days} more days`;
    if (days >= 14) return detail;
    return { verdict: "warning", detail, advice: "Renew the certificate of the load balancer's listener." };
  }

  private handshake(port: number): Promise<tls.PeerCertificate> {
    const place = hostAndPort(this.request.endpoint);
    return new Promise((resolve, reject) => {
      const servername = isIP(this.host) === 0 ? this.host : undefined;
      const socket = tls.connect({ host: this.host, port, servername });
      socket.setTimeout(this.limits.connect);
      const fail = (code: string | undefined, message: string) => {
        socket.destroy();
        reject(new RequestFailure("TLS", message, { code }));
      };
      socket.once("secureConnect", () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.once("timeout", () =>
        fail("TIMEOUT", `${place} did not finish the TLS handshake within ${this.limits.connect / 1000} s`),
      );
      socket.once("error", (error: NodeJS.ErrnoException) =>
        fail(error.code, `TLS with ${place} failed (${error.code}: ${printable(error.message, 160)})`),
      );
    });
  }

  private version(version: string): string | Omit<Step, "name"> {
    if (version === KNOWN_VERSION) return `Digdag ${version}, which this program was measured with`;
    return {
      verdict: "warning",
      detail: `Digdag ${version}`,
      advice: `This program was measured with ${KNOWN_VERSION}; try a deployment to a test project first.`,
    };
  }

  /** One request tells both: without a credential /api/version still answers, and so it does without a database. */
  private async authAndDatabase(): Promise<void> {
    if (this.stopped) {
      this.add("auth", "skipped", "not reached");
      this.add("database", "skipped", "not reached");
      return;
    }
    const credential =
      Object.keys(this.request.credentials).length === 0
        ? "no credential is set, and Digdag asks for none"
        : "the credential is accepted";
    try {
      await this.api.probe();
      this.add("auth", "ok", credential);
      this.add("database", "ok", "Digdag reads its projects");
    } catch (error) {
      this.stopped = true;
      const isAuth = error instanceof RequestFailure && error.layer === "auth";
      const isDatabase = error instanceof RequestFailure && (error.status ?? 0) >= 500;
      if (isAuth || !isDatabase) {
        await this.failed("auth", error);
        this.add("database", "skipped", "not reached");
        return;
      }
      this.add("auth", "skipped", "not told: the request failed behind it");
      this.add(
        "database",
        "failed",
        `/api/version works, and ${error.message}`,
        "Digdag's database is broken or not reached: look into the server's log. After a change of its Java, see whether it starts with --add-opens java.base/java.lang=ALL-UNNAMED.",
      );
    }
  }

  private async project(): Promise<string | Omit<Step, "name">> {
    const { project } = this.request;
    if (project === undefined) return { verdict: "skipped", detail: "no --project is given" };
    const served = await this.api.project(project);
    if (served !== undefined) return `${project} (id ${served.id}) serves revision ${served.revision}`;
    return {
      verdict: "warning",
      detail: `Digdag has no project ${project}`,
      advice: "The first apply makes it. Is the name right?",
    };
  }
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
