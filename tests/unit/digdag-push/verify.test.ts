import assert from "node:assert/strict";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import type { Digdag } from "../../../local/digdag";
import { Cleaner, DAILY, deploy, MANUAL, puts, served } from "./support";

// biome-ignore lint/suspicious/noExplicitAny: the answers are changed in single fields
type Tamper = (path: string, body: any) => void;

describe("the verification", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
  });
  afterEach(() => cleaner.clean());

  /** A server in front of the stand-in that changes what Digdag answers once something was pushed. */
  async function front(tamper: Tamper): Promise<string> {
    const server = createServer((request, response) => {
      const options = {
        method: request.method,
        headers: request.headers,
        port: digdag.port,
        path: request.url,
      };
      request.pipe(
        httpRequest(options, async (answer) => {
          const chunks: Buffer[] = [];
          for await (const chunk of answer) chunks.push(chunk as Buffer);
          const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
          if (request.method === "GET" && puts(digdag).length > 0) tamper(request.url ?? "", body);
          response
            .writeHead(answer.statusCode ?? 500, { "content-type": "application/json" })
            .end(JSON.stringify(body));
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const fails = async (tamper: Tamper, reason: RegExp) => {
    const directory = cleaner.project({ "daily.dig": DAILY, "manual.dig": MANUAL });
    const { exitCode, stderr } = await deploy(await front(tamper), directory, "r1");
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, reason);
    assert.equal((await served(digdag)).revision, "r1");
  };

  it("passes when nothing is changed on the way", async () => {
    const directory = cleaner.project({ "daily.dig": DAILY });
    assert.equal((await deploy(await front(() => undefined), directory, "r1")).exitCode, 0);
  });

  it("fails when Digdag serves other bytes", async () => {
    await fails((path, body) => {
      if (path.startsWith("/api/projects?")) body.projects[0].archiveMd5 = "AAAA";
    }, /serves other bytes under revision r1: md5 AAAA/);
  });

  it("fails when a workflow is missing or was never in the project", async () => {
    await fails((path, body) => {
      if (path.includes("/workflows")) body.workflows[0].name = "stranger";
    }, /workflow daily is missing; workflow stranger is not in the project's files/);
  });

  it("fails when a workflow has no schedule", async () => {
    await fails((path, body) => {
      if (path.includes("/schedules")) body.schedules = [];
    }, /workflow daily has no schedule/);
  });

  it("fails when the project is gone", async () => {
    await fails((path, body) => {
      if (path.startsWith("/api/projects?")) body.projects = [];
    }, /no project demo right after the push/);
  });
});
