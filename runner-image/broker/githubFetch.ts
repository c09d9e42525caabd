import { EnvHttpProxyAgent, fetch as undiciFetch } from "undici";
import { messageOf } from "../shared/log";
import type { Question } from "./githubAnswers";
import { GitHubError } from "./githubErrors";

/** GitHub ends what takes it longer than 10 s; the rest is for the way. */
const REQUEST_TIMEOUT_MS = 15_000;
const MOST_REDIRECTS = 3;
const REDIRECTS = [301, 302, 307, 308];

/**
 * A `fetch` for GitHub's API: through the proxy that the environment names, with a time limit. Redirects inside the API are
 * followed with method and body kept, as GitHub asks for; any other is returned as the answer, so that no credential goes
 * where it does not belong.
 * @param apiUrl base of the API; a redirect must lead to a place below it
 */
export function createFetch(apiUrl: string): typeof fetch {
  const dispatcher = new EnvHttpProxyAgent();
  const request = async (url: string, init: Parameters<typeof undiciFetch>[1]) => {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    for (let target = url, redirects = 0; ; redirects++) {
      const answer = await undiciFetch(target, { ...init, dispatcher, redirect: "manual", signal });
      const next = redirectTarget(apiUrl, target, answer.status, answer.headers.get("location"));
      if (next === undefined || redirects === MOST_REDIRECTS) return answer;
      await answer.body?.cancel();
      target = next;
    }
  };
  return request as unknown as typeof fetch;
}

/** Where to ask again; undefined when this is no redirect or leads out of the API. */
export function redirectTarget(
  apiUrl: string,
  asked: string,
  status: number,
  location: string | null,
): string | undefined {
  if (!REDIRECTS.includes(status) || location === null || !URL.canParse(location, asked)) return undefined;
  const target = new URL(location, asked).href;
  return target.startsWith(new URL(`${apiUrl}/`).href) ? target : undefined;
}

/** The proxy that calls to `url` take unless no_proxy names its host, without user name and password. */
export function proxyOf(url: string, env: NodeJS.ProcessEnv): string | undefined {
  const http = env.http_proxy ?? env.HTTP_PROXY;
  const proxy = url.startsWith("https:") ? (env.https_proxy ?? env.HTTPS_PROXY ?? http) : http;
  return proxy && URL.canParse(proxy) ? new URL(proxy).origin : undefined;
}

/** Codes of failures before anything was sent: what was asked cannot have been done. */
const NOTHING_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|.*(CERT|SIGNATURE).*)$/;

/**
 * Turns the failure of a call that got no answer into an error that names the layer.
 * @param proxy as of proxyOf
 */
export function explainSilence(error: unknown, { route }: Question, proxy: string | undefined): GitHubError {
  const cause = innermost(error);
  const code = (cause as { code?: string }).code ?? "";
  const refusedByProxy = /Proxy response \((\d+)\)/.exec(messageOf(cause))?.[1];
  const nothingSent = refusedByProxy !== undefined || NOTHING_SENT.test(code);
  return new GitHubError(
    "unreachable",
    `No answer from GitHub to ${route}: ${whatFailed(cause, code, refusedByProxy, proxy)}`,
    { mayHaveHadEffect: !nothingSent },
  );
}

function whatFailed(
  cause: Error,
  code: string,
  refusedByProxy: string | undefined,
  proxy: string | undefined,
): string {
  if (refusedByProxy === "407") {
    return `the proxy ${proxy} asks for a login (407). It must let this Pod's address pass without one: jobs could read the password.`;
  }
  if (refusedByProxy !== undefined) {
    return `the proxy ${proxy} answered ${refusedByProxy} instead of connecting: it must allow GitHub's host on its port.`;
  }
  const what =
    cause.name === "TimeoutError" ? `nothing came within ${REQUEST_TIMEOUT_MS / 1000} s` : messageOf(cause);
  const way = proxy ? `Calls go through the proxy ${proxy}, except to hosts in noProxy. ` : "";
  return `${what}. ${way}${adviceFor(code)}`;
}

function adviceFor(code: string): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "Check the host's name and the cluster's DNS.";
  if (/CERT|SIGNATURE/.test(code))
    return "Does a proxy replace certificates? Then name its CA in caCertificateFile.";
  return "Check NAT gateway, network ACLs and egress rules of the cluster.";
}

/** fetch says only "fetch failed"; its cause says which host and why, and happy eyeballs hide one more. */
function innermost(error: unknown): Error {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return innermost(error.errors[0]);
  if (error instanceof Error && error.cause instanceof Error) return innermost(error.cause);
  return error instanceof Error ? error : new Error(String(error));
}
