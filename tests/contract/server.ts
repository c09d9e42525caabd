import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Credentials, readCredentials } from "../../digdag-push/credentials";
import { type Digdag, startDigdag } from "../../local/digdag";
import { archive } from "./archive";
import { ENDPOINT_VARIABLE } from "./endpoint";
import { type Answer, type Call, send } from "./http";

const standInUser = { user: "contract", password: "of-the-stand-in" };

/** The server whose contract is checked: the stand-in, or a real one. */
class Server {
  /** The stand-in, when that is the server. */
  standIn?: Digdag;
  credentials: Credentials = {};
  /** Whether it refuses requests without credentials. */
  asksForCredentials = false;
  private readonly names = new Set<string>();
  private endpoint = "";

  async open(): Promise<void> {
    this.endpoint = process.env[ENDPOINT_VARIABLE] ?? "";
    if (this.endpoint === "") {
      this.standIn = await startDigdag({ auth: standInUser });
      this.endpoint = this.standIn.url;
      this.credentials = readCredentials({
        DIGDAG_USER: standInUser.user,
        DIGDAG_PASSWORD: standInUser.password,
      });
    } else {
      this.credentials = readCredentials(process.env);
    }
    const { status, headers } = await this.call("/api/projects?name=contract");
    assert.equal(
      status,
      200,
      `${this.endpoint} answers ${status} to GET /api/projects; are the credentials right?`,
    );
    this.asksForCredentials =
      (await this.callWithoutCredentials("/api/projects?name=contract")).status === 401;
    console.log(`  ${this.endpoint}, which calls itself ${headers.server ?? "nothing"}\n`);
  }

  /** Deletes what the tests have made. */
  async close(): Promise<void> {
    for (const name of this.names) {
      const [project] = await this.get(`/api/projects?name=${name}`, "projects");
      if (project) await this.call(`/api/projects/${project.id}`, { method: "DELETE" });
    }
    await this.standIn?.close();
  }

  get url(): URL {
    return new URL(this.endpoint);
  }

  call(path: string, call: Call = {}): Promise<Answer> {
    const headers = { ...this.credentials, ...call.headers };
    return send(new URL(path, this.endpoint), { ...call, headers });
  }

  callWithoutCredentials(path: string, call: Call = {}): Promise<Answer> {
    return send(new URL(path, this.endpoint), call);
  }

  /** The JSON of a successful answer, or one member of it. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read single fields of it
  async get(path: string, member?: string): Promise<any> {
    const answer = await this.call(path);
    assert.equal(answer.status, 200, `GET ${path}: ${answer.body.toString("utf8").slice(0, 300)}`);
    return member === undefined ? answer.json : answer.json[member];
  }

  /** A project of its own for a test, which is not there yet. */
  project(): TestProject {
    const name = `contract-${randomBytes(6).toString("hex")}`;
    this.names.add(name);
    return new TestProject(name);
  }
}

type Files = Record<string, string | Buffer>;

class TestProject {
  constructor(readonly name: string) {}

  /** Pushes files, or bytes as they are. */
  async put(
    revision: string,
    content: Files | Buffer,
    call: Call & { query?: string } = {},
  ): Promise<Answer> {
    const body = Buffer.isBuffer(content) ? content : await archive(content);
    return server.call(`/api/projects?project=${this.name}&revision=${revision}${call.query ?? ""}`, {
      method: "PUT",
      body,
      ...call,
      headers: { "content-type": "application/gzip", ...call.headers },
    });
  }

  /** Pushes, and answers with the project as the server then describes it. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read single fields of it
  async push(revision: string, content: Files | Buffer, query = ""): Promise<any> {
    const answer = await this.put(revision, content, { query });
    assert.equal(answer.status, 200, answer.body.toString("utf8").slice(0, 300));
    return answer.json;
  }

  /** What the server serves under the name; undefined when there is no such project. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read single fields of it
  async served(): Promise<any> {
    return (await server.get(`/api/projects?name=${this.name}`, "projects"))[0];
  }
}

/** Opened before the first test and closed after the last. */
export const server = new Server();

before(() => server.open());
after(() => server.close());

/** Ends a test that this server cannot be put to, and says why. */
export function skip(test: Mocha.Context, reason: string): never {
  console.log(`    skipped: ${reason}`);
  return test.skip();
}

/** Checks that the answer is one of Digdag's own errors: `{"message":"...","status":N}`. @returns the message */
export function refusal(answer: Answer, status: number): string {
  assert.equal(answer.status, status, answer.body.toString("utf8").slice(0, 300));
  assert.match(String(answer.headers["content-type"]), /^application\/json\b/);
  assert.equal(answer.json.status, status);
  assert.equal(typeof answer.json.message, "string");
  return answer.json.message;
}

/** UTC in whole seconds: so does the class write it that server and Java client library share. */
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
