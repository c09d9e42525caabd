import { GitHubError, type GitHubErrorKind } from "./githubErrors";

/** A primary limit is renewed every hour: whatever asks for a longer wait than this is not GitHub's limit. */
const LONGEST_ASKED_WAIT_SECONDS = 3600;
/** GitHub's documentation asks for at least a minute where a secondary limit names no time. */
const UNNAMED_WAIT_SECONDS = 60;

/** Header names in lower case. */
export type Headers = Record<string, string | number | undefined>;

/** What came back, whether it was GitHub that answered or something in between. */
export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed where it was JSON, else the text. */
  body: unknown;
}

/** What was asked, for messages. */
export interface Question {
  /** With placeholders instead of values: "POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig". */
  route: string;
  /** "repository o/r" or "organization o". */
  scope: string;
  credential: "token" | "app";
}

/**
 * Turns an answer other than the one hoped for into an error that says what it means and what to do.
 * @param now milliseconds since 1970, for an answer that does not tell GitHub's own time
 */
export function explainAnswer(answer: Answer, question: Question, now = Date.now()): GitHubError {
  const { status, headers } = answer;
  const said = gitHubsWords(answer);
  const fail = (kind: GitHubErrorKind, advice: string, retryAfterSeconds?: number) =>
    new GitHubError(
      kind,
      `GitHub answered ${status} to ${question.route}.${said ? ` GitHub says: ${JSON.stringify(said)}.` : ""} ${advice}`,
      {
        status,
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
        ...requestId(headers),
        mayHaveHadEffect: status >= 500,
      },
    );

  if (status < 300) return unexpectedAnswer(answer, question, "another status");
  if (status < 400) return fail("redirected", redirectAdvice(headers));
  const wait = secondsToWait(headers, now);
  const limited = wait !== undefined || /rate limit/i.test(said ?? "");
  if (status === 429 || (status === 403 && limited)) {
    const seconds = wait ?? UNNAMED_WAIT_SECONDS;
    const limit = isPrimaryLimit(headers) ? "The rate limit is used up" : "GitHub asks to slow down";
    return fail("rate-limited", `${limit}; waiting ${Math.ceil(seconds)} s.`, seconds);
  }
  if (status >= 500) {
    return fail("unavailable", "GitHub, or something on the way to it, has a problem; trying again.", wait);
  }
  if (isPage(answer)) return unexpectedAnswer(answer, question, "JSON");
  switch (status) {
    case 401:
      return fail("unauthorized", unauthorizedAdvice[question.credential]);
    case 403:
      return fail("forbidden", forbiddenAdvice(answer, question));
    case 404:
      return fail("not-found", notFoundAdvice(question));
    case 409:
      return fail("conflict", "A runner of this name exists already; the next attempt takes another name.");
    case 422:
      return fail("invalid", "GitHub does not accept the request: check the runner's labels.");
    default:
      return fail("invalid", "This answer was not expected: check githubApiUrl and any proxy in between.");
  }
}

/**
 * An error for an answer that is not what GitHub's API says: a login page, an empty body, another shape of JSON. What was
 * asked may have been done all the same. Shows nothing of the body but a page's title.
 * @param expected what should have come, to follow "instead of"
 */
export function unexpectedAnswer(answer: Answer, question: Question, expected: string): GitHubError {
  const { status, headers, body } = answer;
  const type = String(headers["content-type"] ?? "no content type").split(";")[0];
  const title = typeof body === "string" ? /<title[^>]*>([^<]{1,80})/i.exec(body)?.[1]?.trim() : undefined;
  const what = body === "" || body === undefined ? "an empty body" : title ? `${type}, "${title}"` : type;
  return new GitHubError(
    "unexpected",
    `The answer to ${question.route} (status ${status}, ${what}) is not GitHub's: it came instead of ${expected}. ` +
      "Check githubApiUrl, and whether a proxy or a login page answers in between.",
    { status, ...requestId(headers), mayHaveHadEffect: status < 300 },
  );
}

/** GitHub's own `message`, shortened. */
export function gitHubsWords({ body }: Answer): string | undefined {
  if (typeof body !== "object" || body === null || !("message" in body)) return undefined;
  return typeof body.message === "string" ? body.message.slice(0, 300) : undefined;
}

const isPage = ({ body }: Answer): boolean => typeof body === "string" && body.trim() !== "";

/** GitHub's id of the request, as an error keeps it. */
export function requestId(headers: Headers): { requestId?: string } {
  const id = headers["x-github-request-id"];
  return id === undefined ? {} : { requestId: String(id) };
}

const unauthorizedAdvice = {
  token: "The token is wrong, expired or revoked: put a new one into the SSM parameter and run `pulumi up`.",
  app: "It refuses the installation token that it just gave the App: was the App uninstalled or deleted? Trying again.",
};

function forbiddenAdvice(answer: Answer, { scope, credential }: Question): string {
  const said = gitHubsWords(answer) ?? "";
  const needed = answer.headers["x-accepted-github-permissions"];
  const [who, how] = credential === "token" ? ["token", grantToken] : ["App", grantApp];
  if (answer.headers["x-github-sso"] !== undefined)
    return "Authorize the token for the organization's single sign-on, in the token's settings on GitHub.";
  if (/ip allow list/i.test(said))
    return "Add the addresses of `pulumi stack output allowedAddresses` to the organization's IP allow list.";
  if (/suspended/i.test(said)) return suspendedAdvice(scope);
  if (needed === undefined && !/not accessible/i.test(said))
    return `GitHub does not let this ${who} do that for the ${scope}.`;
  const permission = needed === undefined ? whatIsNeeded : `it needs ${permissionsInWords(String(needed))}`;
  return `The ${who} lacks a permission for the ${scope}: ${permission}. ${how}`;
}

const whatIsNeeded =
  'it needs "Administration: write" on the repository or "Self-hosted runners: write" on the organization';
const grantToken = "Grant it in the token's settings on GitHub.";

/** What makes an App have a permission: both halves are forgotten easily. */
export const grantApp =
  'Grant it in the App\'s settings under "Permissions & events", and let an owner accept it for the installation.';

/** What to do about a suspended installation. */
export const suspendedAdvice = (scope: string): string =>
  `The App's installation is suspended: an owner of the ${scope} can unsuspend it under "Installed GitHub Apps".`;

function notFoundAdvice({ scope, credential }: Question): string {
  const access =
    credential === "token"
      ? "the token may not see it (GitHub answers 404 to both). Check githubOwner and githubRepository, and that the token was granted access to it."
      : "the App may not see it (GitHub answers 404 to both). Check githubOwner and githubRepository, and that the App is installed on it.";
  return `The ${scope} does not exist, or ${access}`;
}

function redirectAdvice({ location }: Headers): string {
  const target = typeof location === "string" && URL.canParse(location) ? new URL(location) : undefined;
  return target
    ? `It points to ${target.origin}${target.pathname}, where the credential is not sent: only GitHub's own address ` +
        "for a renamed or transferred repository is followed, a few times. Check githubApiUrl, and any proxy in between."
    : "It does not say where to. Check githubApiUrl and any proxy in between.";
}

/** `administration=write; contents=read,pages=read` as people find it on GitHub's pages: `"Administration: write"`. */
export function permissionsInWords(header: string): string {
  const inWords = (permission: string) => {
    const [name = "", power = ""] = permission.trim().split("=");
    const words = name
      .replace(/^organization_/, "")
      .replaceAll("_", " ")
      .replace("self hosted", "self-hosted");
    const named = `"${words.charAt(0).toUpperCase()}${words.slice(1)}: ${power}"`;
    return name.startsWith("organization_") ? `${named} on the organization` : named;
  };
  const sets = header.split(";").map((set) => set.split(",").map(inWords).join(" and "));
  return sets.join(", or ");
}

/** Whether an hourly limit is used up; other limits are about speed. */
export const isPrimaryLimit = (headers: Headers): boolean => String(headers["x-ratelimit-remaining"]) === "0";

/**
 * Seconds from `retry-after`, or until `x-ratelimit-reset` when nothing remains, an hour at most; undefined when neither
 * says to wait. The reset is a time of GitHub's clock, so the answer's own date counts where there is one.
 */
export function secondsToWait(headers: Headers, now: number): number | undefined {
  const date = Date.parse(String(headers.date));
  const then = Number.isNaN(date) ? now : date;
  const bounded = (seconds: number) => Math.min(LONGEST_ASKED_WAIT_SECONDS, Math.max(0, seconds));
  const retryAfter = headers["retry-after"];
  if (retryAfter !== undefined) {
    const seconds = Number(retryAfter);
    const until = Date.parse(String(retryAfter));
    if (Number.isFinite(seconds)) return bounded(seconds);
    if (!Number.isNaN(until)) return bounded((until - then) / 1000);
  }
  if (!isPrimaryLimit(headers)) return undefined;
  const reset = Number(headers["x-ratelimit-reset"] ?? Number.NaN);
  return Number.isFinite(reset) ? bounded(Math.max(1, reset - then / 1000 + 1)) : undefined;
}

/** The time in GitHub's token expiration header ("2026-12-01 00:00:00 UTC" or "... +0900"), in milliseconds since 1970. */
export function parseTokenExpiration(header: unknown): number | undefined {
  const time = typeof header === "string" ? Date.parse(header) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
