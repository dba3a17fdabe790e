import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Job } from "#dist/cli/job.js";
import { optionNames } from "#dist/cli/option-table.js";
import { readRequest } from "#dist/cli/request.js";
import { stopAfterMs } from "#dist/cli/stop-timing.js";
import { UsageError } from "#dist/cli/usage-error.js";

type Environment = Readonly<Record<string, string>>;

function readJob(words: readonly string[], environment: Environment = {}): Job {
  const request = readRequest(words, environment, "this-host");
  assert.equal(request.kind, "run");
  return request.job;
}

/** A job with a key and a command. */
function readOptions(words: readonly string[], environment: Environment = {}): Job {
  return readJob([...words, "-k", "/lock", "cmd"], environment);
}

function assertUsageError(read: () => unknown, ...patterns: RegExp[]): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof UsageError);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  });
}

describe("what etcdlocker is asked to do", () => {
  it("needs no more than a key and a command", () => {
    assert.deepEqual(readJob(["-k", "/lock", "cmd", "-x"]), {
      connection: { endpoints: ["localhost:2379"] },
      lock: {
        names: ["/lock"],
        mode: "exclusive",
        permits: 1,
        atLeastMs: 0,
        waitMs: undefined,
        conflictExitCode: 1,
      },
      id: "this-host",
      ttlSeconds: 60,
      refreshMs: 30_000,
      ending: { onLost: "term", stopSignal: "SIGTERM", killAfterMs: 5_000 },
      isNodeModule: false,
      leavesDescendants: false,
      messages: { isVerbose: false, isJson: false },
      command: "cmd",
      args: ["-x"],
    });
  });

  it("is help, or the version, whatever else is there", () => {
    for (const words of [["-h"], ["--help", "-t", "0"], ["-h", "--version"]]) {
      assert.equal(readRequest(words, {}, "host").kind, "help");
    }
    assert.equal(readRequest(["--version"], { ETCD_LOCK_TTL: "abc" }, "host").kind, "version");
  });

  it("does not ask for help when the flag is the command's", () => {
    assert.deepEqual(readJob(["-k", "a", "cmd", "-h"]).args, ["-h"]);
  });

  it("is taken from the environment where there is no flag", () => {
    const job = readJob(["cmd"], {
      ETCD_LOCK_HOST: "a,b:1",
      ETCD_LOCK_ID: "me",
      ETCD_LOCK_KEY: "/from/environment",
      ETCD_LOCK_TTL: "20",
      ETCD_LOCK_REFRESH: "3",
    });
    assert.deepEqual(job.connection.endpoints, ["a", "b:1"]);
    assert.deepEqual(
      [job.id, job.lock.names[0], job.ttlSeconds, job.refreshMs],
      ["me", "/from/environment", 20, 3_000],
    );
  });

  it("is what the flags say when the environment says something else, or nonsense", () => {
    const environment = { ETCD_LOCK_KEY: "/other", ETCD_LOCK_TTL: "abc", ETCD_LOCK_HOST: ",", ETCD_LOCK_REFRESH: "0" };
    const job = readJob(["-k", "/lock", "-t5", "-e", "host", "-r1", "cmd"], environment);
    assert.deepEqual(
      [job.lock.names[0], job.ttlSeconds, job.refreshMs, job.connection.endpoints],
      ["/lock", 5, 1_000, ["host"]],
    );
  });

  it("is not affected by variables that are empty, as in 1.x", () => {
    const environment = { ETCD_LOCK_HOST: "", ETCD_LOCK_ID: "", ETCD_LOCK_TTL: "", ETCD_LOCK_REFRESH: "" };
    assert.deepEqual(readOptions([], environment), readOptions([]));
    assertUsageError(() => readJob(["cmd"], { ETCD_LOCK_KEY: "" }), /key is missing/);
  });

  it("takes addresses from commas and from several flags", () => {
    assert.deepEqual(readOptions(["-e", "a, [::1]:2", "-e", "http://b:3"]).connection.endpoints, [
      "a",
      "[::1]:2",
      "http://b:3",
    ]);
  });

  it("takes a TTL in any unit that comes to whole seconds", () => {
    const seconds = {
      "1": 1,
      "30s": 30,
      "5m": 300,
      "2h": 7_200,
      "2000ms": 2,
      "1.0": 1,
      "0.5m": 30,
      "1000000": 1_000_000,
    };
    for (const [text, ttl] of Object.entries(seconds)) assert.equal(readOptions(["-t", text]).ttlSeconds, ttl, text);
  });

  it("is refused with a TTL that is not a whole number of seconds from 1 to 1000000", () => {
    for (const text of ["0", "abc", "1500ms", "0.5", "1000001", "300h", "1e3", "Infinity", ""]) {
      const quoted = new RegExp(`--ttl \\(-t\\) is "${text}"; allowed is .*1 to 1000000`);
      assertUsageError(() => readOptions([`--ttl=${text}`]), quoted);
    }
    assertUsageError(() => readOptions([], { ETCD_LOCK_TTL: "abc" }), /ETCD_LOCK_TTL is "abc"/);
  });

  it("is refused with a refresh period that is no duration, or not below the TTL", () => {
    for (const text of ["0", "abc", "-1s", "60", "61", "2h"]) {
      assertUsageError(() => readOptions([`-r=${text}`]), /--refresh \(-r\) is/);
    }
    assertUsageError(
      () => readOptions(["-t5"], { ETCD_LOCK_REFRESH: "5" }),
      /ETCD_LOCK_REFRESH is "5"; allowed is less than 3.9 s/,
    );
  });

  it("is refused with a time to kill that leaves none for renewals", () => {
    assertUsageError(
      () => readOptions(["-t10", "--kill-after", "4"]),
      /--kill-after is "4"; allowed is less than 3.8 s/,
    );
    assert.equal(readOptions(["-t10", "--kill-after", "3.7"]).ending.killAfterMs, 3_700);
    assert.equal(readOptions(["--kill-after", "0"]).ending.killAfterMs, 0);
    assertUsageError(() => readOptions(["--kill-after=soon"]), /--kill-after is "soon"/);
  });

  it("is refused without a key, an id or a command, and when one of them is empty", () => {
    assertUsageError(() => readJob(["cmd"]), /key is missing.*-k.*ETCD_LOCK_KEY/);
    assertUsageError(() => readJob(["-k", "", "cmd"]), /--key \(-k\) is "".*not empty/);
    assertUsageError(() => readJob(["-k", "a", "-i", "", "cmd"]), /--id \(-i\) is ""/);
    assertUsageError(() => readJob(["-k", "a", "-e", "", "cmd"]), /--etcd \(-e\) is ""/);
    assertUsageError(() => readJob(["-k", "a"]), /command is missing/);
    assertUsageError(() => readJob(["-k", "a", "--", ""]), /command is empty/);
  });

  it("waits without limit, so long, or not at all; a flag of either kind beats both variables", () => {
    assert.equal(readOptions([]).lock.waitMs, undefined);
    assert.equal(readOptions(["-w", "90s"]).lock.waitMs, 90_000);
    assert.equal(readOptions(["-w0"]).lock.waitMs, 0);
    assert.equal(readOptions(["--no-wait"]).lock.waitMs, 0);
    assert.equal(readOptions([], { ETCD_LOCK_WAIT: "5m" }).lock.waitMs, 300_000);
    assert.equal(readOptions([], { ETCD_LOCK_NO_WAIT: "1" }).lock.waitMs, 0);
    assert.equal(readOptions(["-w5"], { ETCD_LOCK_NO_WAIT: "1" }).lock.waitMs, 5_000);
    assert.equal(readOptions(["--no-wait"], { ETCD_LOCK_WAIT: "5" }).lock.waitMs, 0);
    assertUsageError(() => readOptions(["--no-wait", "-w5"]), /--wait \(-w\) and --no-wait exclude each other/);
    assertUsageError(() => readOptions(["-w", "soon"]), /--wait \(-w\) is "soon".*24 days/);
    assertUsageError(() => readOptions(["-w", "600h"]), /--wait \(-w\) is "600h".*24 days/);
  });

  it("has one or several different names", () => {
    assert.deepEqual(readJob(["-k", "a", "-k", "b", "cmd"]).lock.names, ["a", "b"]);
    assert.deepEqual(readJob(["-k", "a", "cmd"], { ETCD_LOCK_KEY: "b" }).lock.names, ["a"]);
    assertUsageError(() => readJob(["-k", "a", "-k", "b", "-k", "a", "cmd"]), /--key \(-k\) is "a" twice/);
    assertUsageError(() => readJob(["-k", "a", "-k", "", "cmd"]), /--key \(-k\) is "".*not empty/);
  });

  it("is shared, or counted, not both", () => {
    assert.equal(readOptions(["--shared"]).lock.mode, "shared");
    assert.equal(readOptions(["-p", "3"]).lock.permits, 3);
    assertUsageError(() => readOptions(["--shared", "-p3"]), /--shared and --permits \(-p\) exclude each other/);
    for (const text of ["0", "-1", "1.5", "x"]) {
      assertUsageError(() => readOptions([`--permits=${text}`]), /--permits \(-p\) is ".*whole number from 1/);
    }
  });

  it("takes the exit code for a conflict, and how long to keep others out", () => {
    assert.equal(readOptions(["-E", "75"]).lock.conflictExitCode, 75);
    assertUsageError(() => readOptions(["-E", "256"]), /--conflict-exit-code \(-E\) is "256".*0 to 255/);
    assert.equal(readOptions(["--at-least", "50s"]).lock.atLeastMs, 50_000);
    assertUsageError(() => readOptions(["--at-least", "300h"]), /--at-least is "300h".*1000000/);
  });

  it("takes switches from variables, which say yes or no", () => {
    for (const text of ["1", "true", "YES", "on"]) {
      assert.equal(readOptions([], { ETCD_LOCK_SHARED: text }).lock.mode, "shared", text);
    }
    for (const text of ["0", "false", "No", "off", ""]) {
      assert.equal(readOptions([], { ETCD_LOCK_SHARED: text }).lock.mode, "exclusive", text);
    }
    assert.equal(readOptions(["--shared"], { ETCD_LOCK_SHARED: "0" }).lock.mode, "shared");
    assertUsageError(
      () => readOptions([], { ETCD_LOCK_SHARED: "maybe" }),
      /ETCD_LOCK_SHARED is "maybe"; allowed is 1 or 0/,
    );
  });

  it("ends the command in one of three ways, with a signal of choice", () => {
    assert.deepEqual(readOptions(["--on-lost", "kill", "--stop-signal", "usr1", "--kill-after=0"]).ending, {
      onLost: "kill",
      stopSignal: "SIGUSR1",
      killAfterMs: 0,
    });
    assert.equal(readOptions(["--stop-signal", "SIGINT"]).ending.stopSignal, "SIGINT");
    assertUsageError(() => readOptions(["--on-lost", "wait"]), /--on-lost is "wait"; allowed is term, kill, pause/);
    for (const text of ["STOP", "CONT", "FOO", "15"]) {
      assertUsageError(() => readOptions(["--stop-signal", text]), /--stop-signal is ".*by its name/);
    }
  });

  it("renews a lock early enough not to count as being at risk all the time, where that pauses the command", () => {
    assert.equal(readOptions(["--on-lost", "pause", "-r30"]).refreshMs, 30_000);
    assertUsageError(() => readOptions(["--on-lost", "pause", "-r31"]), /--refresh \(-r\) is "31".*half the TTL/);
  });

  it("may have a longer time to kill where a lost lock means SIGKILL at once", () => {
    assert.equal(readOptions(["-t10", "--kill-after", "60", "--on-lost", "kill"]).ending.killAfterMs, 60_000);
  });

  it("always leaves time for a renewal before the command would have to be stopped", () => {
    const milliseconds = fc.integer({ min: 1, max: 200_000 }).map((ms) => `${ms}ms`);
    const some = (arbitrary: fc.Arbitrary<string>) => fc.option(arbitrary, { nil: undefined });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        some(milliseconds),
        some(milliseconds),
        (ttl, refresh, killAfter) => {
          const words = [
            `-t${ttl}`,
            ...(refresh === undefined ? [] : [`--refresh=${refresh}`]),
            ...(killAfter === undefined ? [] : [`--kill-after=${killAfter}`]),
          ];
          try {
            const job = readOptions(words);
            assert.ok(job.refreshMs > 0 && job.refreshMs < stopAfterMs(job.ttlSeconds, job.ending.killAfterMs));
          } catch (error) {
            assert.ok(error instanceof UsageError);
            assert.ok(refresh !== undefined || killAfter !== undefined, "what is not given always fits");
          }
        },
      ),
    );
  });

  it("is a job or a usage error, whatever the words", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(...optionNames.map((name) => `--${name}`), "-k", "-t", "5", "--"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          readRequest(words, {}, "host");
        } catch (error) {
          assert.ok(error instanceof UsageError);
        }
      }),
    );
  });
});
