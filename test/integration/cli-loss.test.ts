import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EtcdCluster } from "#dist/testing/index.js";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { type Finished, startEtcdlocker } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";
import { descendantsOf, isAlive } from "../support/process-table.ts";
import type { Program } from "../support/programs.ts";
import { startProxy } from "../support/tcp-proxy.ts";

const etcd = await startEtcdForCrashes();

interface Run extends AsyncDisposable {
  readonly name: string;
  readonly lease: string;
  readonly locker: Program;
  /** All processes of the command. */
  readonly command: readonly number[];
}

/** A command under a lock with a TTL of 5 s. It does not mind SIGTERM, but says that it came. */
async function setUp(endpoints: readonly string[] = etcd.endpoints, script = stubborn): Promise<Run> {
  const name = newName();
  const locker = startEtcdlocker(endpoints, ["-v", "-t5", "-r1", "-k", name, "bash", "-c", script]);
  const { text } = await locker.line(/^ready [0-9a-f]+$/);
  // A renewal or two, as in real life.
  await locker.line(/ours for/);
  const command = descendantsOf(locker.pid).filter((pid) => pid !== guardianOf(locker));
  return { name, lease: text.split(" ")[1] ?? "", locker, command, [Symbol.asyncDispose]: () => locker.kill() };
}

const stubborn = "trap 'echo got SIGTERM' TERM; echo ready $ETCDLOCKER_LEASE; while :; do sleep 0.05; done";

function guardianOf(locker: Program): number {
  return Number(/guardian is ready \(pid (\d+)\)/.exec(locker.stderr)?.[1]);
}

/** The deadline that the last renewal proved, as etcdlocker has told it: `performance.now()`. Up to 100 ms early. */
function deadlineOf(locker: Program): number {
  const line = locker.lines.findLast(({ text }) => /ours for/.test(text));
  return Number(line?.at) + Number(/ours for ([\d.]+) s more/.exec(line?.text ?? "")?.[1]) * 1_000;
}

/** When all of the command was seen to be dead. */
async function untilGone({ command }: Run, limitMs: number): Promise<number> {
  await eventually(
    "the command is dead",
    () => command.filter(isAlive),
    (left) => left.length === 0,
    limitMs,
  );
  return performance.now();
}

async function finish({ locker }: Run): Promise<Finished> {
  const { code } = await locker.end();
  return { code, stdout: locker.stdout, stderr: locker.stderr };
}

/** Keys written by others have no lease of ours, and would stay. */
async function tidyUp(cluster: EtcdCluster, name: string): Promise<void> {
  await cluster.etcdctl("del", "--prefix", "--", name);
}

describe("a command whose lock cannot be renewed", () => {
  it("is dead before its lease can end: etcd hangs", async () => {
    await using run = await setUp();
    const [member] = etcd.members;
    member?.pause();
    try {
      assert.ok((await untilGone(run, 6_000)) < deadlineOf(run.locker) + 100);
    } finally {
      member?.resume();
    }
    const { code, stdout, stderr } = await finish(run);
    assert.equal(code, 2);
    assert.match(stdout, /got SIGTERM/);
    assert.match(stderr, /^etcdlocker: The lock could not be renewed in time.*; ending the command$/m);
  });

  for (const fault of ["hold", "cut"] as const) {
    it(`is dead before its lease can end: the connection is ${fault === "cut" ? "cut" : "silent"}`, async () => {
      await using proxy = await startProxy(etcd.endpoints[0] ?? "");
      await using run = await setUp([proxy.endpoint]);
      proxy[fault]();
      assert.ok((await untilGone(run, 6_000)) < deadlineOf(run.locker) + 100);
      assert.equal((await finish(run)).code, 2);
    });
  }

  it("goes on when etcd answers again in time", async () => {
    await using proxy = await startProxy(etcd.endpoints[0] ?? "");
    await using run = await setUp([proxy.endpoint], `${stubborn.replace("got SIGTERM", "bye; exit 7")}`);
    proxy.cut();
    await run.locker.line(/a renewal failed/);
    await proxy.resume();
    const told = run.locker.lines.length;
    await eventually(
      "it is renewed",
      () => run.locker.lines.slice(told),
      (lines) => lines.some(({ text }) => /ours for/.test(text)),
    );
    run.locker.signal("SIGTERM");
    const { code, stdout } = await finish(run);
    assert.deepEqual({ code, isTidy: /bye/.test(stdout) }, { code: 143, isTidy: true });
  });

  it("keeps its own code when it ends by itself, and it is said when the lock will be free", async () => {
    await using proxy = await startProxy(etcd.endpoints[0] ?? "");
    await using run = await setUp([proxy.endpoint], "echo ready $ETCDLOCKER_LEASE; read line; exit 7");
    proxy.hold();
    const startedAt = performance.now();
    run.locker.child.stdin?.end("\n");
    const { code, stderr } = await finish(run);
    assert.equal(code, 7);
    assert.match(stderr, /^etcdlocker: the lock could not be given back: .*lease ends by/m);
    assert.ok(performance.now() - startedAt < 7_000);
  });
});

describe("a command whose lock is taken away", () => {
  const tamperings = {
    "the entry is deleted": (run: Run) => etcd.etcdctl("del", "--", `${run.name}/${run.lease}`),
    "the entry is overwritten": (run: Run) => etcd.etcdctl("put", "--", `${run.name}/${run.lease}`, "mine"),
    "the lease is revoked": (run: Run) => etcd.etcdctl("lease", "revoke", run.lease),
  };
  for (const [title, tamper] of Object.entries(tamperings)) {
    it(`is ended at once: ${title}`, async () => {
      await using run = await setUp();
      const startedAt = performance.now();
      await tamper(run);
      // SIGTERM within a second, and SIGKILL half a second later.
      assert.ok((await untilGone(run, 3_000)) - startedAt < 2_500);
      const { code, stdout, stderr } = await finish(run);
      assert.equal(code, 2);
      assert.match(stdout, /got SIGTERM/);
      assert.match(stderr, /^etcdlocker: Lost lock "[^"]+": .*; ending the command$/m);
      await tidyUp(etcd, `${run.name}/`);
      assert.deepEqual(await listKeys(etcd, run.name), [], "the next need not wait: the hold record is gone");
    });
  }

  it("may tidy up before etcdlocker ends", async () => {
    await using run = await setUp(etcd.endpoints, stubborn.replace("got SIGTERM", "tidied up; exit"));
    await etcd.etcdctl("del", "--", `${run.name}/${run.lease}`);
    const { code, stdout } = await finish(run);
    assert.deepEqual({ code, isTidy: /tidied up/.test(stdout) }, { code: 2, isTidy: true });
  });
});

describe("a signal while etcd does not answer", () => {
  it("ends a waiter soon, and at once when it is repeated", async () => {
    await using proxy = await startProxy(etcd.endpoints[0] ?? "");
    await using run = await setUp();
    await using waiter = startEtcdlocker([proxy.endpoint], ["-v", "-k", run.name, "true"]);
    await waiter.line(/ waiting, \d+ ahead/);
    proxy.hold();
    waiter.signal("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 150));
    waiter.signal("SIGTERM");
    assert.equal((await waiter.end(2_000)).code, 143);
  });
});

it("a command keeps its lock when nobody reads for longer than the TTL what etcdlocker says", async (t) => {
  const words = ["-v", "-t3", "-r0.2", "-k", newName(), "sh", "-c"];
  const locker = startEtcdlocker(etcd.endpoints, [...words, "head -c 1000000 /dev/zero >&2 & sleep 8; echo over"]);
  t.after(() => locker.kill());
  locker.child.stderr?.pause();
  await locker.line(/^over$/, 30_000);
  locker.child.stderr?.resume();
  assert.equal((await locker.end()).code, 0);
});
