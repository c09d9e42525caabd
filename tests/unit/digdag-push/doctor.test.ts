import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { Cleaner, DAILY, deploy, push } from "./support";

interface Step {
  name: string;
  verdict: string;
  detail: string;
  advice?: string;
}

describe("doctor", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  const doctor = async (endpoint: string, argv: string[] = [], env: Record<string, string> = {}) => {
    const { exitCode, json, stderr } = await push(
      ["doctor", "--json", "--endpoint", endpoint, ...argv],
      env,
      {
        connect: 300,
        read: 300,
      },
    );
    const steps: Step[] = json.steps ?? [];
    const verdicts = Object.fromEntries(steps.map(({ name, verdict }) => [name, verdict]));
    const step = (name: string) => steps.find((one) => one.name === name);
    return { exitCode, verdicts, step, json, stderr };
  };

  it("finds a healthy Digdag healthy, and changes nothing", async () => {
    const digdag = await cleaner.digdag();
    await deploy(digdag.url, cleaner.project({ "daily.dig": DAILY }), "r1");
    const before = digdag.requests.length;
    const { exitCode, verdicts, step } = await doctor(digdag.url, ["--project", "demo"]);
    assert.equal(exitCode, 0);
    assert.deepEqual(verdicts, {
      DNS: "skipped",
      TCP: "ok",
      TLS: "warning",
      HTTP: "ok",
      version: "ok",
      auth: "ok",
      database: "ok",
      project: "ok",
      limits: "ok",
    });
    assert.match(step("project")?.detail ?? "", /demo \(id 1\) serves revision r1/);
    assert.match(step("limits")?.detail ?? "", /2097152 bytes/);
    assert.ok(digdag.requests.slice(before).every(({ method }) => method === "GET"));
  });

  it("names the step that fails, and skips what lies behind it", async () => {
    const gone = await doctor("http://127.0.0.1:9");
    assert.equal(gone.exitCode, 3);
    assert.deepEqual(
      [gone.verdicts.TCP, gone.verdicts.HTTP, gone.verdicts.database],
      ["failed", "skipped", "skipped"],
    );
    assert.match(gone.step("TCP")?.advice ?? "", /Nothing listens/);
    const nameless = await doctor("http://digdag.invalid");
    assert.equal(nameless.verdicts.DNS, "failed");
    assert.match(nameless.step("DNS")?.detail ?? "", /digdag\.invalid does not resolve/);
  });

  it("tells a certificate that is not trusted, from one that is", async () => {
    const pem = await generate([{ name: "commonName", value: "127.0.0.1" }], {
      notAfterDate: new Date(Date.now() + 86_400_000),
      keyType: "ec",
    });
    const digdag = await cleaner.digdag({ tls: { key: pem.private, cert: pem.cert } });
    const { verdicts, step, exitCode } = await doctor(digdag.url);
    assert.deepEqual([exitCode, verdicts.TCP, verdicts.TLS], [3, "ok", "failed"]);
    assert.match(step("TLS")?.advice ?? "", /company CA/);
  });

  it("tells a wrong credential from a broken database, and either from something that is not Digdag", async () => {
    const secured = await cleaner.digdag({ auth: { user: "ci", password: "hunter22" } });
    const env = { DIGDAG_USER: "ci", DIGDAG_PASSWORD: "hunter23" };
    const wrong = await doctor(secured.url, [], env);
    assert.deepEqual([wrong.exitCode, wrong.verdicts.HTTP, wrong.verdicts.auth], [3, "ok", "failed"]);
    assert.doesNotMatch(JSON.stringify(wrong.json), /hunter23/);
    const right = await doctor(secured.url, [], { ...env, DIGDAG_PASSWORD: "hunter22" });
    assert.equal(right.step("auth")?.detail, "the credential is accepted");

    const broken = await cleaner.digdag();
    broken.addFault({ kind: "html", path: "/api/projects", times: 9 });
    const sick = await doctor(broken.url);
    assert.deepEqual([sick.exitCode, sick.verdicts.version, sick.verdicts.database], [3, "ok", "failed"]);
    assert.doesNotMatch(JSON.stringify(sick.json), /io\.digdag|password=/);

    const server = createServer((_, response) => response.end("<h1>hello</h1>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => server.close());
    const other = await doctor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assert.match(other.step("HTTP")?.detail ?? "", /something that is not Digdag's/);
  });

  it("warns of another version and of a project that is not there", async () => {
    const digdag = await cleaner.digdag();
    const server = createServer(async (request, response) => {
      if (request.url === "/api/version") response.end('{"version":"0.11.0"}');
      else response.end(await (await fetch(digdag.url + request.url)).text());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => server.close());
    const { exitCode, verdicts, step } = await doctor(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ["--project", "no"],
    );
    assert.deepEqual([exitCode, verdicts.version, verdicts.project], [0, "warning", "warning"]);
    assert.match(step("version")?.advice ?? "", /measured with 0\.10\.5\.1/);
  });

  it("says that a proxy is asked", async () => {
    const { verdicts, step } = await doctor("https://digdag.example.com", [], {
      https_proxy: "http://u:hunter22@127.0.0.1:9",
    });
    assert.deepEqual([verdicts.proxy, verdicts.HTTP], ["ok", "failed"]);
    assert.match(step("HTTP")?.detail ?? "", /the proxy 127\.0\.0\.1:9 cannot be reached/);
  });

  it("is read by people, too", async () => {
    const digdag = await cleaner.digdag();
    const { stdout, exitCode } = await push(["doctor", "--endpoint", digdag.url], {});
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Digdag at .* can be used/);
    assert.match(stdout, /^ {2}ok {7}database {2}Digdag reads its projects$/m);
  });
});
