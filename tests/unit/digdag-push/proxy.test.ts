import assert from "node:assert/strict";
import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { generate } from "selfsigned";
import { send } from "../../../digdag-push/http";
import { proxyFor, TunnelAgent } from "../../../digdag-push/proxy";
import { Cleaner, DAILY, deploy } from "./support";

describe("a proxy", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  const chosen = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.host;

  it("is the one that the environment names for the scheme", () => {
    const env = { https_proxy: "http://a:1", HTTP_PROXY: "http://b:2", all_proxy: "http://c:3" };
    assert.equal(chosen("https://digdag.example.com", env), "a:1");
    assert.equal(chosen("http://digdag.example.com", env), "b:2");
    assert.equal(chosen("http://digdag.example.com", { ALL_PROXY: "http://c:3" }), "c:3");
    assert.equal(chosen("https://digdag.example.com", {}), undefined);
    assert.equal(chosen("https://digdag.example.com", { https_proxy: "" }), undefined);
  });

  it("is not used for what no_proxy names", () => {
    const direct = (host: string, noProxy: string) =>
      chosen(`https://${host}`, { HTTPS_PROXY: "http://a:1", no_proxy: noProxy }) === undefined;
    const exempt = [
      ["digdag.example.com", "*"],
      ["digdag.example.com", "localhost, digdag.example.com"],
      ["digdag.example.com", "example.com"],
      ["digdag.example.com", ".example.com"],
      ["digdag.example.com", "*.example.com"],
      ["DIGDAG.example.com", "Example.COM"],
      ["digdag.example.com:8443", "digdag.example.com:8443"],
      ["digdag.example.com", "digdag.example.com:443"],
      ["10.1.2.3", "10.0.0.0/8"],
      ["10.1.2.3", "10.1.2.3"],
      ["[fd00::1]", "fd00::/8"],
      ["[fd00::1]", "[fd00::1]"],
    ];
    const asked = [
      ["digdag.example.com", ""],
      ["digdag.example.com", "digdag"],
      ["digdag.example.com", "ample.com"],
      ["digdag.example.com", "digdag.example.com:8443"],
      ["11.1.2.3", "10.0.0.0/8"],
      ["11.1.2.3", "nonsense/99"],
    ];
    for (const [host = "", list = ""] of exempt) assert.ok(direct(host, list), `${host} in ${list}`);
    for (const [host = "", list = ""] of asked) assert.ok(!direct(host, list), `${host} in ${list}`);
  });

  it("is refused when it is no URL, without showing its value", async () => {
    const { exitCode, stderr } = await deploy("https://digdag.example.com", cleaner.folder(), "r1", {
      env: { https_proxy: "u:hunter22@proxy" },
    });
    assert.equal(exitCode, 2);
    assert.match(stderr, /https_proxy must be a URL such as http:\/\/proxy\.example\.com:3128/);
    assert.doesNotMatch(stderr, /hunter22/);
  });

  /** A proxy that tunnels and forwards, and notes what it is asked for. */
  async function proxy(refuse = false) {
    const seen: { what: string; authorization?: string }[] = [];
    const server = createServer((request, response) => {
      seen.push({
        what: `${request.method} ${request.url}`,
        authorization: request.headers["proxy-authorization"],
      });
      request.pipe(
        httpRequest(request.url ?? "", { method: request.method, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        }),
      );
    });
    server.on("connect", (request, socket) => {
      seen.push({ what: `CONNECT ${request.url}`, authorization: request.headers["proxy-authorization"] });
      if (refuse) {
        socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
        return;
      }
      const target = connect(Number(String(request.url).split(":").at(-1)), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        target.pipe(socket).pipe(target);
      });
      target.on("error", () => socket.destroy());
      socket.on("error", () => target.destroy());
      cleaner.add(() => target.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => {
      server.closeAllConnections();
      server.close();
    });
    return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  }

  it("is asked for the whole deployment of an http address, with its own credential", async () => {
    const digdag = await cleaner.digdag();
    const { host, seen } = await proxy();
    const directory = cleaner.project({ "daily.dig": DAILY });
    const env = { http_proxy: `http://u:p%20q@${host}` };
    const { exitCode, stderr } = await deploy(digdag.url, directory, "r1", { env });
    assert.equal(exitCode, 0, stderr);
    assert.equal(seen[0]?.what, `GET ${digdag.url}/api/projects?name=demo`);
    assert.equal(seen[0]?.authorization, `Basic ${Buffer.from("u:p q").toString("base64")}`);
    assert.equal(seen.length, digdag.requests.length);
    await deploy(digdag.url, directory, "r1", { env: { ...env, no_proxy: "127.0.0.1" } });
    assert.ok(digdag.requests.length > seen.length);
  });

  it("tunnels to an https address, whose certificate is checked all the same", async () => {
    const pem = await generate([{ name: "commonName", value: "digdag.test" }], {
      notAfterDate: new Date(Date.now() + 86_400_000),
      keyType: "ec",
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "digdag.test" }] }],
    });
    const digdag = await cleaner.digdag({ tls: { key: pem.private, cert: pem.cert } });
    const { host, seen } = await proxy();
    const url = new URL(`https://digdag.test:${digdag.port}/api/version`);
    const agent = new TunnelAgent(new URL(`http://u:p@${host}`));
    cleaner.add(() => agent.destroy());
    const ask = (trusted: boolean) => {
      agent.options.ca = trusted ? pem.cert : undefined;
      return send(url, {
        method: "GET",
        connectTimeout: 2_000,
        answerTimeout: 2_000,
        agent,
        proxy: new URL(`http://${host}`),
      });
    };
    await assert.rejects(ask(false), { layer: "TLS" });
    assert.equal((await ask(true)).status, 200);
    const authorization = `Basic ${Buffer.from("u:p").toString("base64")}`;
    assert.deepEqual(seen.at(-1), { what: `CONNECT digdag.test:${digdag.port}`, authorization });
  });

  it("is named when it refuses or cannot be reached", async () => {
    const { host } = await proxy(true);
    const directory = cleaner.project({ "daily.dig": DAILY });
    const attempt = (proxyUrl: string) =>
      deploy("https://digdag.example.com", directory, "r1", { env: { https_proxy: proxyUrl } });
    const refused = await attempt(`http://u:hunter22@${host}`);
    assert.equal(refused.exitCode, 3);
    assert.match(
      refused.stderr,
      new RegExp(`layer TCP: the proxy ${host} answers 403 to CONNECT digdag\\.example\\.com:443`),
    );
    assert.doesNotMatch(refused.stderr, /hunter22/);
    const gone = await attempt("http://127.0.0.1:9");
    assert.match(gone.stderr, /the proxy 127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\)/);
  });
});
