import assert from "node:assert/strict";
import { exec, namespace, onlineRunners, requireLocalSystem, runJob, seededSecrets } from "./support";

// The shape of every seeded token: the job must not be handed one to look for.
const token = "github_pat_local_[0-9a-f]{48}";

describe("what a job can reach", function () {
  this.timeout(180_000);
  before(requireLocalSystem);
  beforeEach(() => onlineRunners(1));

  /** Runs a step that must succeed, and answers what it printed. */
  async function print(step: string): Promise<string> {
    const job = await runJob(step);
    assert.equal(job.conclusion, "success", job.log);
    for (const value of seededSecrets()) {
      assert.ok(!job.log.includes(value), "the log shows a credential");
    }
    // The log begins with the step's own text, which names everything that must not be found.
    return job.log.split("##[endgroup]").at(-1) as string;
  }

  it("holds no GitHub token in its environment, in any process, or in any file it can read", async () => {
    const log = await print(`
      found=0
      env | grep -qE '${token}' && { echo "LEAK environment"; found=1; }
      for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do
        tr '\\0' '\\n' < "$file" 2>/dev/null | grep -qE '${token}' && { echo "LEAK $file"; found=1; }
      done
      # The script itself holds the pattern and not a token, so it is no match.
      files=$(grep -rlsaE '${token}' / --exclude-dir=proc --exclude-dir=sys 2>/dev/null || true)
      [ -z "$files" ] || { echo "LEAK $files"; found=1; }
      echo "found=$found"
    `);
    assert.match(log, /found=0/);
    assert.doesNotMatch(log, /LEAK/);
  });

  it("cannot read the environment or the memory of the processes that hold a credential or a lease key", async () => {
    const log = await print(`
      for process in /proc/[0-9]*; do
        command=$(tr '\\0' ' ' < $process/cmdline)
        case "$command" in
          *tini*supervisor.js*|*node*supervisor.js*) ;;
          *) continue ;;
        esac
        echo "FOUND $command"
        cat $process/environ >/dev/null 2>&1 && echo "READABLE environ of $process"
        head -c 1 $process/mem >/dev/null 2>&1 && echo "READABLE mem of $process"
        ls $process/fd >/dev/null 2>&1 && echo "READABLE fd of $process"
      done
      cat /proc/self/environ >/dev/null && echo "own environ is readable"
    `);
    assert.match(log, /FOUND .*tini/);
    assert.match(log, /FOUND \/opt\/node\/bin\/node/);
    assert.match(log, /own environ is readable/);
    assert.doesNotMatch(log, /READABLE/);
  });

  it("has no service account token and no mounted Secret", async () => {
    const log = await print(`
      ls /var/run/secrets/kubernetes.io /run/secrets/github 2>/dev/null && echo "MOUNTED"
      echo "tried"
    `);
    assert.match(log, /tried/);
    assert.doesNotMatch(log, /MOUNTED/);
  });

  it("gets nothing from the broker: neither by its socket nor by its port", async () => {
    const log = await print(`
      cat > /tmp/ask.js <<'JS'
      const socket = require("net").connect("/run/lease/broker.sock");
      let said = "";
      socket.on("connect", () => socket.write(JSON.stringify({ type: "hello", beacon: "digdag-runner-" + "0".repeat(32) }) + "\\n" + JSON.stringify({ type: "ready" }) + "\\n"));
      socket.on("data", (data) => { said += data; });
      socket.on("error", (error) => { said += error.code; });
      setTimeout(() => { console.log("SOCKET " + said); process.exit(0); }, 2000);
JS
      /opt/node/bin/node /tmp/ask.js
      for path in / /livez /readyz /metrics /jit /token; do
        /opt/node/bin/node -e 'fetch("http://127.0.0.1:8080" + process.argv[1]).then(async (r) => console.log("PORT", r.status, await r.text()), (e) => console.log("PORT", e.message))' $path
      done
    `);
    assert.match(log, /SOCKET \{"type":"refused"/);
    assert.match(log, /PORT 200/);
    // A JIT configuration and a lease key are long runs of base64 or hexadecimal; nothing the port serves is.
    assert.doesNotMatch(log, /[A-Za-z0-9+/=]{48}/);
  });

  it("finds nothing of the job before it: no file and no process", async () => {
    const first = await runJob(`
      for place in $HOME /tmp /dev/shm "$RUNNER_TEMP" "$RUNNER_TOOL_CACHE" "$PWD"; do echo secret > $place/left-behind 2>/dev/null || true; done
      (LEFT_BEHIND=yes setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &)
      sleep 1
      grep -lsa LEFT_BEHIND=yes /proc/[0-9]*/environ | wc -l | sed 's/^/RUNNING /'
    `);
    assert.equal(first.conclusion, "success", first.log);
    assert.doesNotMatch(first.log.split("##[endgroup]").at(-1) as string, /RUNNING 0/);
    await onlineRunners(1);
    const log = await print(`
      find / -xdev -name left-behind 2>/dev/null | sed 's/^/FILE /'
      for place in $HOME /tmp /dev/shm /runner; do find $place -name left-behind | sed 's/^/FILE /'; done
      grep -lsa LEFT_BEHIND=yes /proc/[0-9]*/environ | wc -l | sed 's/^/PROCESSES /'
    `);
    assert.doesNotMatch(log, /FILE/);
    assert.match(log, /PROCESSES 0$/m);
  });

  it("runs in a namespace that refuses a Pod on the node's network", async () => {
    const overrides = JSON.stringify({ spec: { hostNetwork: true } });
    const args = ["run", "x", "--namespace", namespace, "--image=x", `--overrides=${overrides}`];
    const { code, stderr } = await exec("kubectl", args, true);
    assert.notEqual(code, 0);
    assert.match(stderr, /violates PodSecurity "restricted/);
  });
});
