/** Environment variable with the origin of a real server; empty for the stand-in. */
export const ENDPOINT_VARIABLE = "DIGDAG_CONTRACT_ENDPOINT";

/** @returns the origin. @throws Error when the text is not the URL of a server */
export function readEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.username || url.pathname !== "/")
    throw new Error(
      "--endpoint must be a URL such as https://digdag.example.com, without a path and without credentials",
    );
  return url.origin;
}
