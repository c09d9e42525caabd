import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import type { Digdag } from "../../../local/digdag";
import {
  Cleaner,
  DAILY,
  deploy,
  MANUAL,
  type Outcome,
  push,
  puts,
  served,
} from "../../unit/digdag-push/support";

/** What the official client 0.10.5.1 was measured to do, and what is done here instead. */
interface Row {
  /** Exit code and words of `digdag push`. */
  official: string;
  run(): Promise<Outcome>;
  exitCode: number;
  /** Of what is printed, or nothing to look for. */
  says?: RegExp;
  /** Uploads that Digdag sees; default 0. */
  uploads?: number;
}

describe("where the official client says", () => {
  const cleaner = new Cleaner();
  let digdag: Digdag;
  beforeEach(async () => {
    digdag = await cleaner.digdag();
  });
  afterEach(() => cleaner.clean());

  const project = (dig = DAILY) => cleaner.project({ "daily.dig": dig });
  const here = (dig?: string, revision = "r1") => deploy(digdag.url, project(dig), revision);
  const env = () => ({ DIGDAG_ENDPOINT: digdag.url, GITHUB_SHA: "r1" });
  const struck = (fault: Parameters<Digdag["addFault"]>[0]) => {
    digdag.addFault(fault);
    return here();
  };

  const rows: Record<string, Row> = {
    "a good push": {
      official: "0, Uploaded",
      run: () => here(),
      exitCode: 0,
      says: /"verdict":"pushed"/,
      uploads: 1,
    },
    "no project name": {
      official: "0, usage",
      run: () => push([], env()),
      exitCode: 2,
      says: /no project name/,
    },
    "two project names": {
      official: "0, usage",
      run: () => push(["one", "two"], env()),
      exitCode: 2,
      says: /"one" is no command/,
    },
    "a typo in an option": {
      official: "1, parse error",
      run: () => push(["--projet", "demo"], env()),
      exitCode: 2,
      says: /--projet/,
    },
    "an unknown command": {
      official: "1, usage",
      run: () => push(["revisions", "--project", "demo"], env()),
      exitCode: 2,
      says: /"revisions" is no command; the commands are/,
    },
    "a directory without workflows": {
      official: "0, a warning, and every schedule is gone",
      run: () => deploy(digdag.url, cleaner.project({ "sub/a.dig": MANUAL }), "r1"),
      exitCode: 2,
      says: /no \*\.dig file at its top level/,
    },
    "bad YAML": {
      official: "1, file and line",
      run: () => here("+a: [\n"),
      exitCode: 2,
      says: /daily\.dig:\d/,
    },
    "a duplicate key": {
      official: "1, file and line",
      run: () => here("+a:\n  echo>: 1\n+a:\n  echo>: 2\n"),
      exitCode: 2,
      says: /daily\.dig:3:1: the key \+a appears twice/,
    },
    "a bad timezone": {
      official: "1, file and line",
      run: () => here(DAILY.replace("Tokyo", "Tokio")),
      exitCode: 2,
      says: /daily\.dig:1:1: timezone Asia\/Tokio is unknown/,
    },
    "an unknown operator": {
      official: "0, nothing",
      run: () => here("+a:\n  nosuchop>: x\n"),
      exitCode: 2,
      says: /daily\.dig:2:3: nosuchop> is no operator/,
    },
    "daily>: 25:99:00": {
      official: "0, and runs at 02:39 of the next day",
      run: () => here(DAILY.replace("07:00:00", "25:99:00")),
      exitCode: 2,
      says: /daily\.dig:3:3: daily> has the impossible time 25:99:00/,
    },
    "the same revision with the same files": {
      official: "1, Request conflicted",
      run: async () => {
        await here();
        return here();
      },
      exitCode: 0,
      says: /"verdict":"unchanged"/,
      uploads: 1,
    },
    "the same revision with other files": {
      official: "1, Request conflicted",
      run: async () => {
        await here();
        return here(`${DAILY}# other\n`);
      },
      exitCode: 1,
      says: /exists in Digdag with other content/,
      uploads: 2,
    },
    "401": {
      official: "1, Status code 401",
      run: () => struck({ kind: "status", status: 401 }),
      exitCode: 3,
      says: /layer auth: .* answers 401/,
    },
    "403": {
      official: "1, Status code 403 and the body",
      run: () => struck({ kind: "status", status: 403 }),
      exitCode: 3,
      says: /layer auth: .* answers 403/,
    },
    "404": {
      official: "1, Resource not found",
      run: () => struck({ kind: "status", status: 404 }),
      exitCode: 3,
      says: /layer HTTP: .* answers 404.*\n.*serve \/api at the root/,
    },
    "500 on the push": {
      official: "1, HTTP 500, one try",
      run: () => struck({ kind: "html", method: "PUT" }),
      exitCode: 1,
      says: /did not hold the revision when asked afterwards/,
      uploads: 1,
    },
    "502 on the push, which arrived": {
      official: "1, HTTP 502, one try",
      run: () => struck({ kind: "status", status: 502, method: "PUT", commit: true }),
      exitCode: 0,
      says: /"verdict":"pushed"/,
      uploads: 1,
    },
    "502 on the push, which did not arrive": {
      official: "1, HTTP 502, one try",
      run: () => struck({ kind: "status", status: 502, method: "PUT" }),
      exitCode: 0,
      says: /"verdict":"pushed"/,
      uploads: 2,
    },
    "503 on every read": {
      official: "1, after 10 tries",
      run: () => struck({ kind: "status", status: 503, times: 99 }),
      exitCode: 3,
      says: /answers 503.*\n.*target group/,
    },
    "connection refused": {
      official: "1, Connection refused",
      run: () => deploy("http://127.0.0.1:9", project(), "r1"),
      exitCode: 3,
      says: /layer TCP: 127\.0\.0\.1:9 refuses connections/,
    },
    "an unknown host": {
      official: "1, HOST (unknown host)",
      run: () => deploy("http://digdag.invalid", project(), "r1"),
      exitCode: 3,
      says: /layer DNS: /,
    },
    "a self-signed certificate": {
      official: "1, PKIX path building failed",
      run: async () => {
        const days = { notAfterDate: new Date(Date.now() + 86_400_000) };
        const pem = await generate([{ name: "commonName", value: "127.0.0.1" }], { ...days, keyType: "ec" });
        const secure = await cleaner.digdag({ tls: { key: pem.private, cert: pem.cert } });
        return deploy(secure.url, project(), "r1");
      },
      exitCode: 3,
      says: /layer TLS: .*\n.*company CA/,
    },
    "another version of the server": {
      official: "1 or a warning that asks for selfupdate; on a terminal it stops",
      run: async () => {
        const server = createServer((_, response) => response.end('{"version":"0.9.42"}'));
        const url = await listen(server);
        return push(["doctor", "--endpoint", url], {});
      },
      exitCode: 3,
      says: /warning +version +Digdag 0\.9\.42/,
    },
    "a server that never answers": {
      official: "hangs",
      run: () => {
        digdag.addFault({ kind: "hang", times: 99 });
        return deploy(digdag.url, project(), "r1", { argv: ["--timeout", "1"], limits: { read: 60_000 } });
      },
      exitCode: 3,
      says: /when the time of the whole command \(--timeout\) was over/,
    },
  };

  async function listen(server: ReturnType<typeof createServer>): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleaner.add(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  for (const [name, { official, run, exitCode, says, uploads = 0 }] of Object.entries(rows)) {
    it(`"${official}" to ${name}, digdag-push ends with ${exitCode}`, async () => {
      const outcome = await run();
      assert.equal(outcome.exitCode, exitCode, outcome.stderr);
      assert.match(`${outcome.stdout}\n${outcome.stderr}`, says ?? /^/);
      assert.equal(puts(digdag).length, uploads);
      if (exitCode !== 0) assert.notEqual(outcome.stderr + outcome.stdout, "");
    });
  }

  it("nothing of a body that was cut off half way, it is sent again", async () => {
    let cut = 0;
    const url = await listen(
      createServer((request, response) => {
        if (request.method === "PUT" && cut++ === 0) {
          request.once("data", () => request.socket.destroy());
          return;
        }
        const options = {
          method: request.method,
          headers: request.headers,
          port: digdag.port,
          path: request.url,
        };
        request.pipe(
          httpRequest(options, (answer) => {
            response.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(response);
          }),
        );
      }),
    );
    const { exitCode, stderr } = await deploy(url, project(), "r1");
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual([cut, puts(digdag).length], [2, 1]);
    assert.equal((await served(digdag)).revision, "r1");
  });

  it("nothing of the files of another project, the brake stops them", async () => {
    await here();
    const { exitCode, stderr } = await deploy(digdag.url, cleaner.project({ "other.dig": MANUAL }), "r2");
    assert.equal(exitCode, 4);
    assert.match(stderr, /would stop 1 schedule: daily/);
  });
});

describe("a large or odd project", () => {
  const cleaner = new Cleaner();
  afterEach(() => cleaner.clean());

  it("of ten thousand files is deployed within seconds, and planned", async () => {
    const digdag = await cleaner.digdag();
    const files = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`q/${index % 100}/${index}.sql`, `SELECT ${index};\n`]),
    );
    // In memory where there is such a place: a slow disk is not what is tried.
    const memory = existsSync("/dev/shm") ? "/dev/shm" : undefined;
    const directory = cleaner.project({ "main.dig": MANUAL, ...files }, memory);
    const limits = { read: 10_000, push: 10_000 };
    const { exitCode, stderr } = await deploy(digdag.url, directory, "r1", { limits });
    assert.equal(exitCode, 0, stderr);
    const plan = await push(
      ["plan", "--json", "--project", "demo", "--directory", directory],
      { DIGDAG_ENDPOINT: digdag.url },
      limits,
    );
    assert.deepEqual([plan.json.changed, plan.json.files.length], [false, 10_001]);
  });

  it("keeps names in any script, and those that differ in case only, apart", async () => {
    const digdag = await cleaner.digdag();
    const names = [
      "Daten/Über.sql",
      "データ/クエリ.sql",
      "a.sql",
      "A.sql",
      "emoji-😀.sql",
      "cafe\u0301.sql",
      "caf\u00e9.sql",
    ];
    const directory = cleaner.project({
      "日次.dig": MANUAL,
      ...Object.fromEntries(names.map((name) => [name, name])),
    });
    const { exitCode, json, stderr } = await deploy(digdag.url, directory, "r1");
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(json.workflows, ["日次"]);
    assert.equal(json.warnings.length, 2);
    const plan = await push(["plan", "--json", "--project", "demo", "--directory", directory], {
      DIGDAG_ENDPOINT: digdag.url,
    });
    assert.equal(plan.json.changed, false);
  });
});
