import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explainProbe, judgeAnswer } from "../../../runner-image/broker/digdagProbe";
import type { Runner } from "../../../runner-image/broker/github";
import { judgeListenerExit } from "../../../runner-image/broker/listenerExit";
import { Readiness } from "../../../runner-image/broker/readiness";
import { newRunnerName } from "../../../runner-image/broker/runnerNames";
import { type RunnerState, reasonToReplace, runnerState } from "../../../runner-image/broker/runnerState";
import { isOlder, releaseTime } from "../../../runner-image/broker/runnerVersion";
import { readBrokerSettings } from "../../../runner-image/broker/settings";
import { findGhosts } from "../../../runner-image/broker/sweep";
import { warnOfTokenExpiry } from "../../../runner-image/broker/tokenExpiry";
import { backoffSeconds } from "../../../runner-image/shared/backoff";
import type { Log } from "../../../runner-image/shared/log";

describe("the sweep", () => {
  const now = Date.UTC(2026, 0);
  const rule = { pool: "digdag-stg", ownRunnerId: 1, ghostSeconds: 300 };
  const runner = (id: number, over: Partial<Runner> = {}, age = 301): Runner =>
    ({
      id,
      name: newRunnerName("digdag-stg", "pod", now - age * 1000),
      os: "linux",
      status: "offline",
      busy: false,
      labels: [],
      ...over,
    }) as Runner;

  it("finds what is offline, idle, old and of this pool", () => {
    assert.deepEqual(
      findGhosts([runner(2)], rule, now).map((ghost) => ghost.id),
      [2],
    );
  });

  it("leaves everything else alone", () => {
    const others = [
      runner(1),
      runner(3, { status: "online" }),
      runner(4, { busy: true }),
      runner(5, {}, 299),
      runner(6, { name: newRunnerName("digdag-prd", "pod", 0) }),
      runner(7, { name: newRunnerName("digdag-stg-eu", "pod", 0) }),
      runner(8, { name: "digdag-stg" }),
    ];
    assert.deepEqual(findGhosts(others, rule, now), []);
  });
});

describe("readiness", () => {
  const runner = { id: 7, name: "n" };

  it("is there while GitHub listed the runner as online within the last three polls", () => {
    const readiness = new Readiness(30);
    readiness.clear("supervisor");
    readiness.online(runner, 0);
    assert.deepEqual([readiness.report(90_000).ready, readiness.report(91_000).ready], [true, false]);
    assert.match(readiness.report(91_000).reason, /91 s ago/);
  });

  it("is not there before the runner was ever seen, and ends at once with an obstacle", () => {
    const readiness = new Readiness(30);
    assert.match(readiness.report().reason, /supervisor/);
    readiness.clear("supervisor");
    assert.equal(readiness.report().ready, false);
    readiness.online(runner);
    readiness.blocked("Digdag", "Digdag is down");
    assert.deepEqual(readiness.report(), { ready: false, reason: "Digdag is down", runner });
  });

  it("gives the first reason of several, and is back only when each is out of the way", () => {
    const readiness = new Readiness(30);
    readiness.clear("supervisor");
    readiness.online(runner);
    readiness.blocked("GitHub", "no permission");
    readiness.blocked("Digdag", "Digdag is down");
    readiness.blocked("drain", "the Pod is stopping");
    assert.equal(readiness.report().reason, "the Pod is stopping");
    readiness.clear("drain");
    assert.equal(readiness.report().reason, "Digdag is down");
    readiness.clear("Digdag");
    assert.equal(readiness.report().reason, "no permission");
    readiness.clear("GitHub");
    assert.equal(readiness.report().ready, true);
  });
});

describe("the state of a runner", () => {
  const seen = (over: Partial<Runner>) => ({ status: "offline", busy: false, ...over }) as Runner;
  const limits = { missingSeconds: 20, offlineSeconds: 120 };

  it("is what GitHub lists, and whether it was online before", () => {
    assert.deepEqual(
      [
        runnerState(undefined, true),
        runnerState(seen({}), false),
        runnerState(seen({}), true),
        runnerState(seen({ status: "online" }), false),
        runnerState(seen({ status: "online", busy: true }), true),
        // GitHub may list a runner with a bad connection as offline while its job goes on.
        runnerState(seen({ busy: true }), true),
      ],
      ["missing", "starting", "offline", "idle", "busy", "busy"],
    );
  });

  const verdicts: [RunnerState, number, string | undefined][] = [
    ["missing", 19, undefined],
    ["missing", 20, "missing"],
    ["offline", 119, undefined],
    ["offline", 120, "offline"],
    ["starting", 120, "offline"],
    ["idle", 99_999, undefined],
    ["busy", 99_999, undefined],
  ];
  for (const [state, seconds, verdict] of verdicts) {
    it(`${verdict ? "asks for another listener" : "is fine"} after ${seconds} s of ${state}`, () =>
      assert.equal(reasonToReplace(state, seconds, limits), verdict));
  }
});

describe("the runner's version", () => {
  const order: [string, string, boolean][] = [
    ["2.337.0", "2.337.0", false],
    ["2.337.0", "2.338.0", true],
    ["2.337.10", "2.337.9", false],
    ["2.99.9", "3.0.0", true],
    ["2.338.0", "2.337.9", false],
  ];
  for (const [ours, newest, older] of order) {
    it(`${ours} is ${older ? "" : "not "}older than ${newest}`, () =>
      assert.equal(isOlder(ours, newest), older));
  }

  it("has the age of its program's date, and none where the archive keeps no dates", () => {
    const source = mkdtempSync(join(tmpdir(), "runner-version-"));
    try {
      assert.equal(releaseTime(source), undefined);
      mkdirSync(join(source, "bin"));
      const program = join(source, "bin", "Runner.Listener");
      writeFileSync(program, "");
      const released = Date.UTC(2026, 9, 1);
      utimesSync(program, released / 1000, released / 1000);
      assert.equal(releaseTime(source), released);
      utimesSync(program, 0, 0);
      assert.equal(releaseTime(source), undefined);
    } finally {
      rmSync(source, { recursive: true });
    }
  });
});

describe("the token's end", () => {
  it("is warned of once a day from two weeks before it on", () => {
    const day = 24 * 3600 * 1000;
    const warnings: string[] = [];
    const seen: number[] = [];
    let now = 0;
    const observer = {
      request() {},
      rateLimitRemaining() {},
      tokenExpires: (at: number) => void seen.push(at),
    };
    const log = { warn: (_fields: object, message: string) => void warnings.push(message) } as unknown as Log;
    const watched = warnOfTokenExpiry(observer, log, () => now);
    const expiry = 20 * day;
    for (const [at, count] of [
      [0, 0],
      [6 * day, 1],
      [6.5 * day, 1],
      [7 * day, 2],
    ] as const) {
      now = at;
      watched.tokenExpires(expiry);
      assert.equal(warnings.length, count, `after ${at / day} days`);
    }
    assert.match(warnings[0] ?? "", /1970-01-21.*pulumi up/);
    assert.equal(seen.length, 4);
  });
});

describe("the probe of Digdag", () => {
  it("takes 401 for the projects as reachable, as the runner has no credential", () => {
    assert.equal(judgeAnswer("/api/projects?count=1", 401), undefined);
    assert.equal(judgeAnswer("/api/projects?count=1", 200), undefined);
    assert.equal(judgeAnswer("/api/version", 200), undefined);
  });

  const verdicts: [string, number, string, RegExp][] = [
    ["/api/version", 302, "auth", /login/],
    ["/api/version", 401, "auth", /login/],
    ["/api/version", 403, "auth", /refused/],
    ["/api/version", 503, "HTTP", /no healthy Digdag/],
    ["/api/version", 404, "HTTP", /not a working Digdag/],
    ["/api/projects?count=1", 500, "database", /database/],
  ];
  for (const [path, status, layer, detail] of verdicts) {
    it(`blames layer ${layer} for ${status} to ${path}`, () => {
      const verdict = judgeAnswer(path, status);
      assert.equal(verdict?.layer, layer);
      assert.match(verdict?.detail ?? "", detail);
    });
  }

  it("tells endpoint, layer and address in one message, and what to do about a silent load balancer", () => {
    const message = explainProbe(
      "https://digdag.example.com",
      { layer: "TCP", detail: "no answer within 5 s" },
      "203.0.113.10",
    );
    for (const part of [
      "https://digdag.example.com",
      "TCP",
      "no answer within 5 s",
      "203.0.113.10",
      "pulumi up --refresh",
    ]) {
      assert.ok(message.includes(part), part);
    }
  });
});

describe("the end of a listener", () => {
  const verdicts: [number | null, string | null, string][] = [
    [0, null, "register"],
    [1, null, "back-off"],
    [2, null, "back-off"],
    [5, null, "back-off"],
    [7, null, "stop"],
    [99, null, "back-off"],
    [null, "SIGKILL", "back-off"],
  ];
  for (const [code, signal, next] of verdicts) {
    it(`with ${code ?? signal} means ${next}`, () =>
      assert.equal(judgeListenerExit(code, signal).next, next));
  }
});

describe("the broker's settings", () => {
  const env = {
    GITHUB_OWNER: "acme",
    GITHUB_CREDENTIAL_FILE: "/run/secrets/github/token",
    RUNNER_LABELS: "self-hosted, linux ,stg",
    RUNNER_NAME_PREFIX: "digdag-stg",
    POD_NAME: "pod",
    DIGDAG_ENDPOINT: "https://digdag.example.com/",
    LEASE_SOCKET: "/run/lease/broker.sock",
    BROKER_STATE_DIR: "/run/broker",
  };

  it("mean the organization when the repository is empty, and strip what is too much", () => {
    const settings = readBrokerSettings({ ...env, GITHUB_REPOSITORY: "" });
    assert.equal(settings.repository, undefined);
    assert.deepEqual(settings.labels, ["self-hosted", "linux", "stg"]);
    assert.equal(settings.digdagEndpoint, "https://digdag.example.com");
    assert.equal(settings.githubApiUrl, "https://api.github.com");
  });

  it("name every problem in one message", () => {
    assert.throws(
      () =>
        readBrokerSettings({ ...env, GITHUB_OWNER: undefined, RUNNER_NAME_PREFIX: "a.b", HTTP_PORT: "none" }),
      /GITHUB_OWNER is not set[\s\S]*RUNNER_NAME_PREFIX is "a\.b"[\s\S]*HTTP_PORT is "none"/,
    );
  });
});

describe("back-off", () => {
  it("doubles up to its cap and takes off at most half", () => {
    const full = (failures: number) => backoffSeconds(failures, 5, 300, () => 0);
    assert.deepEqual([1, 2, 3, 7, 1000].map(full), [5, 10, 20, 300, 300]);
    assert.equal(
      backoffSeconds(1, 5, 300, () => 1),
      2.5,
    );
  });
});
