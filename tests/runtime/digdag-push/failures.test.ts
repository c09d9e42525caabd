import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { generate } from "selfsigned";
import { send } from "../../../digdag-push/http";
import { Cleaner, DAILY, deploy } from "../../unit/digdag-push/support";

const AUTH = { user: "ci", password: "hunter22-secret" };
const LEAVES_FROM = "203.0.113.7";

/** A port whose owner never accepts: the kernel completes `backlog` + 1 connections and then drops every SYN. */
async function deafPort(cleaner: Cleaner, backlog: number): Promise<number> {
  const code = `
    const { parentPort } = require("node:worker_threads");
    const server = require("node:net").createServer();
    server.listen(0, "127.0.0.1", ${backlog}, () => {
      parentPort.postMessage(server.address().port);
      setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 20);
    });`;
  const worker = new Worker(code, { eval: true });
  cleaner.add(() => worker.terminate());
  const port = await new Promise<number>((resolve) => worker.once("message", resolve));
  await new Promise((resolve) => setTimeout(resolve, 60));
  return port;
}

async function fullPort(cleaner: Cleaner): Promise<number> {
  const port = await deafPort(cleaner, 1);
  for (let index = 0; index < 4; index++) {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    cleaner.add(() => socket.destroy());
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  return port;
}

const listen = async (server: Server, cleaner: Cleaner): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleaner.add(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
};

async function addressService(cleaner: Cleaner, text = `${LEAVES_FROM}\n`): Promise<string> {
  const port = await listen(
    createServer((_, response) => response.end(text)),
    cleaner,
  );
  return `http://127.0.0.1:${port}/`;
}

describe("a failure on the way to Digdag", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  const fails = async (endpoint: string, env: Record<string, string> = {}) => {
    const egress = { EGRESS_ADDRESS_URL: await addressService(cleaner) };
    const directory = cleaner.project({ "daily.dig": DAILY });
    const limits = { connect: 250, read: 250 };
    const outcome = await deploy(endpoint, directory, "r1", { env: { ...egress, ...env }, limits });
    assert.equal(outcome.exitCode, 3, outcome.stderr);
    assert.equal(outcome.json.endpoint, endpoint);
    assert.equal(outcome.json.egressAddress, LEAVES_FROM);
    assert.match(
      outcome.stderr,
      new RegExp(`at ${endpoint}, layer ${outcome.json.layer}.*leaves from ${LEAVES_FROM}`),
    );
    return outcome;
  };

  it("names DNS when the name does not resolve", async () => {
    const lookup = (
      _name: string,
      _options: unknown,
      done: (error: NodeJS.ErrnoException, address: string) => void,
    ) => done(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }), "");
    const url = new URL("https://digdag.example.com/");
    await assert.rejects(send(url, { method: "GET", connectTimeout: 500, answerTimeout: 500, lookup }), {
      layer: "DNS",
      message: "digdag.example.com does not resolve (ENOTFOUND)",
    });
  });

  it("names DNS when the name server does not answer", async () => {
    const url = new URL("https://digdag.example.com/");
    await assert.rejects(
      send(url, { method: "GET", connectTimeout: 50, answerTimeout: 500, lookup: () => undefined }),
      {
        layer: "DNS",
        message: "the name server gave no answer for digdag.example.com within 0.05 s",
      },
    );
  });

  it("names TCP, the address and the security group when packets are dropped, without trying again", async () => {
    const port = await fullPort(cleaner);
    const started = Date.now();
    const { json, stderr } = await fails(`http://127.0.0.1:${port}`);
    assert.ok(Date.now() - started < 2_500, "tried once only");
    assert.equal(json.layer, "TCP");
    assert.match(stderr, /no answer from 127\.0\.0\.1:\d+ within 0\.25 s: packets are dropped/);
    assert.match(
      stderr,
      /check that 203\.0\.113\.7\/32 is allowed in the security group of the load balancer at 127\.0\.0\.1:\d+: `pulumi up --refresh`/,
    );
  });

  it("names TCP when nothing listens, after trying again", async () => {
    const server = createTcpServer();
    const port = await listen(server, cleaner);
    await cleaner.clean();
    const { json, stderr } = await fails(`http://127.0.0.1:${port}`);
    assert.equal(json.layer, "TCP");
    assert.match(stderr, /refuses connections/);
  });

  it("names TLS when the certificate is not trusted, is for another host, or there is no TLS", async () => {
    const days = { notAfterDate: new Date(Date.now() + 86_400_000) };
    const pem = await generate([{ name: "commonName", value: "127.0.0.1" }], { ...days, keyType: "ec" });
    const secure = await cleaner.digdag({ tls: { key: pem.private, cert: pem.cert } });
    const untrusted = await fails(secure.url);
    assert.equal(untrusted.json.layer, "TLS");
    assert.match(
      untrusted.stderr,
      /TLS with 127\.0\.0\.1:\d+ failed \((DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY)/,
    );
    assert.match(untrusted.stderr, /company CA/);
    const plain = await cleaner.digdag();
    assert.equal((await fails(plain.url.replace("http:", "https:"))).json.layer, "TLS");
  });

  it("names TLS when the handshake never ends", async () => {
    const port = await deafPort(cleaner, 100);
    const { json, stderr } = await fails(`https://127.0.0.1:${port}`);
    assert.equal(json.layer, "TLS");
    assert.match(stderr, /did not finish the TLS handshake within 0\.25 s/);
  });

  it("names HTTP when Digdag never answers, and when it is not Digdag that answers", async () => {
    const digdag = await cleaner.digdag();
    digdag.addFault({ kind: "hang" });
    assert.match(
      (await fails(digdag.url)).stderr,
      /layer HTTP: .* accepted the request and gave no answer within 0\.25 s/,
    );
    const other = `http://127.0.0.1:${await listen(
      createServer((_, response) => response.end("<h1>hello</h1>")),
      cleaner,
    )}`;
    const { stderr } = await fails(other);
    assert.match(stderr, /layer HTTP: .* something that is not Digdag's/);
    assert.doesNotMatch(stderr, /hello/);
  });

  it("names HTTP and does not follow a redirect", async () => {
    const digdag = await cleaner.digdag();
    digdag.addFault({
      kind: "status",
      status: 301,
      headers: { location: "https://u:p@digdag.example.com/api/projects?x=1" },
    });
    const { stderr } = await fails(digdag.url);
    assert.match(stderr, /answers 301, a redirect to https:\/\/digdag\.example\.com \(/);
    assert.match(stderr, /Redirects are not followed/);
  });

  it("names HTTP when the load balancer has no Digdag behind it, after trying again", async () => {
    const digdag = await cleaner.digdag();
    digdag.addFault({ kind: "html", status: 503, times: 100 });
    const { json, stderr } = await fails(digdag.url);
    assert.equal(json.layer, "HTTP");
    assert.match(stderr, /answers 503 .*\n.*target group/);
    assert.equal(digdag.requests.length, 4);
  });

  it("names auth for a wrong credential and never prints it, even when the server repeats it", async () => {
    const digdag = await cleaner.digdag({ auth: AUTH });
    const env = { DIGDAG_USER: AUTH.user, DIGDAG_PASSWORD: "wrong-hunter22" };
    const { json, stdout, stderr } = await fails(digdag.url, env);
    assert.equal(json.layer, "auth");
    assert.match(stderr, /answers 401/);
    digdag.addFault({ kind: "status", status: 403, message: "no entry for ci:wrong-hunter22\n::error::x" });
    const echoed = await fails(digdag.url, env);
    assert.match(echoed.stderr, /no entry for \*\*\*/);
    for (const text of [stdout, stderr, echoed.stdout, echoed.stderr]) {
      assert.doesNotMatch(text, /hunter22/);
      assert.doesNotMatch(text, /^::error::x/m);
      assert.ok(!text.includes(Buffer.from("ci:wrong-hunter22").toString("base64")));
    }
  });

  it("says that the address is not known when nobody tells it", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY });
    for (const url of ["", "not a url", await addressService(cleaner, "<html>no address</html>")]) {
      const { exitCode, stderr, json } = await deploy("http://127.0.0.1:9", directory, "r1", {
        env: { EGRESS_ADDRESS_URL: url },
      });
      assert.equal(exitCode, 3);
      assert.equal(json.egressAddress, null);
      assert.match(stderr, /the address this runner leaves from is not known/);
      assert.doesNotMatch(stderr, /<html>/);
    }
  });

  it("does not wait longer for the address than its limit", async () => {
    const port = await listen(
      createServer(() => undefined),
      cleaner,
    );
    const directory = cleaner.project({ "daily.dig": DAILY });
    const started = Date.now();
    const env = { EGRESS_ADDRESS_URL: `http://127.0.0.1:${port}/` };
    const { exitCode } = await deploy("http://127.0.0.1:9", directory, "r1", {
      env,
      limits: { egress: 200 },
    });
    assert.equal(exitCode, 3);
    assert.ok(Date.now() - started < 2_500);
  });
});

describe("a credential", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("is taken from DIGDAG_PASSWORD, DIGDAG_PASSWORD_FILE or DIGDAG_AUTHORIZATION_FILE", async () => {
    const digdag = await cleaner.digdag({ auth: AUTH });
    const directory = cleaner.project({ "daily.dig": DAILY });
    const header = `Basic ${Buffer.from(`${AUTH.user}:${AUTH.password}`).toString("base64")}`;
    const secrets = cleaner.project({ password: `${AUTH.password}\n`, header: `${header}\n` });
    const ways: Record<string, string>[] = [
      { DIGDAG_USER: AUTH.user, DIGDAG_PASSWORD: AUTH.password },
      { DIGDAG_USER: AUTH.user, DIGDAG_PASSWORD_FILE: join(secrets, "password") },
      { DIGDAG_AUTHORIZATION_FILE: join(secrets, "header") },
    ];
    for (const env of ways) {
      const { exitCode, stdout, stderr } = await deploy(digdag.url, directory, "r1", { env });
      assert.equal(exitCode, 0, stderr);
      assert.ok(!stdout.includes(AUTH.password) && !stderr.includes(AUTH.password));
    }
  });

  it("may be further headers, of which none is shown when a server repeats it", async () => {
    const digdag = await cleaner.digdag();
    const directory = cleaner.project({ "daily.dig": DAILY });
    const folder = cleaner.project({ headers: "X-Api-Key: hunter22-key\r\n\r\nCF-Access: hunter23 \r\n" });
    const env = {
      DIGDAG_HEADERS_FILE: join(folder, "headers"),
      DIGDAG_USER: "ci",
      DIGDAG_PASSWORD: "hunter24",
    };
    digdag.addFault({ kind: "status", status: 403, message: "bad hunter22-key, hunter23, hunter24" });
    const refused = await deploy(digdag.url, directory, "r1", { env });
    assert.match(refused.stderr, /answers 403: bad \*\*\*, \*\*\*, \*\*\* \(/);
    assert.equal((await deploy(digdag.url, directory, "r1", { env })).exitCode, 0);
    for (const { headers } of digdag.requests) {
      assert.deepEqual([headers["x-api-key"], headers["cf-access"]], ["hunter22-key", "hunter23"]);
      assert.match(headers.authorization ?? "", /^Basic /);
    }
  });

  it("is refused as a header that is none, is set twice, or is this program's own", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY });
    const attempt = async (headers: string, more: Record<string, string> = {}) => {
      const folder = cleaner.project({ headers });
      const env = { DIGDAG_HEADERS_FILE: join(folder, "headers"), ...more };
      const { exitCode, stderr } = await deploy("http://127.0.0.1:9", directory, "r1", { env });
      assert.equal(exitCode, 2);
      assert.doesNotMatch(stderr, /hunter22/);
      return stderr;
    };
    assert.match(await attempt("A: b\nhunter22\n"), /line 2 of DIGDAG_HEADERS_FILE is no header/);
    assert.match(await attempt("X: hunter22\nx: hunter22\n"), /line 2 .* sets x a second time/);
    assert.match(await attempt("Host: hunter22\n"), /sets Host, which digdag-push sets itself/);
    const basic = { DIGDAG_USER: "u", DIGDAG_PASSWORD: "p" };
    assert.match(await attempt("Authorization: hunter22\n", basic), /sets Authorization a second time/);
  });
});
