import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type EtcdCluster,
  type EtcdMember,
  EtcdStartError,
  type StartEtcdOptions,
  startEtcd,
} from "#dist/testing/index.js";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { eventually } from "../support/eventually.ts";
import { assertNothingLeft, listKeys, listLeftovers } from "../support/leftovers.ts";
import { isAlive } from "../support/process-table.ts";
import { startProgram } from "../support/programs.ts";

async function setUp(
  t: TestContext,
  options: StartEtcdOptions = {},
): Promise<{ cluster: EtcdCluster; member: EtcdMember }> {
  const cluster = await startEtcd(options);
  t.after(() => cluster.stop());
  const [member] = cluster.members;
  assert.ok(member);
  return { cluster, member };
}

test("a killed member is gone, and comes back with its data at the same endpoint", async (t) => {
  const { cluster, member } = await setUp(t);
  await cluster.etcdctl("put", "some key", "some value");
  const { pid, endpoint } = member;
  await member.kill();
  assert.equal(isAlive(pid), false);
  assert.throws(() => member.pid, /not running/);
  await member.start();
  assert.equal(member.endpoint, endpoint);
  assert.notEqual(member.pid, pid);
  assert.equal(await cluster.etcdctl("get", "--print-value-only", "some key"), "some value\n");
});

test("a wiped member starts empty", async (t) => {
  const { cluster, member } = await setUp(t);
  await cluster.etcdctl("put", "some key", "some value");
  await assert.rejects(member.wipe(), /kill it before/);
  await member.kill();
  await member.wipe();
  await member.start();
  assert.equal(await cluster.etcdctl("get", "some key"), "");
});

test("while the leader of three is paused, another one leads, and the old one follows when it wakes", async (t) => {
  const { cluster } = await setUp(t, { members: 3 });
  const old = await cluster.leader();
  old.pause();
  const next = await cluster.leader();
  assert.notEqual(next.name, old.name);
  await cluster.etcdctl("put", "written", "without the old leader");
  old.resume();
  assert.notEqual((await cluster.leader()).name, old.name);
  assert.equal(new Set(cluster.endpoints).size, 3);
});

test("stop ends frozen members too, and removes the data", async (t) => {
  const temporary = await makeFolder(t);
  process.env.TMPDIR = temporary;
  t.after(() => delete process.env.TMPDIR);
  const cluster = await startEtcd();
  const pids = cluster.members.map(({ pid }) => pid);
  for (const member of cluster.members) member.pause();
  await cluster.stop();
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(await readdir(temporary), []);
});

test("a member ends with the process that started it, also when that is killed by SIGKILL", async (t) => {
  const fixture = fileURLToPath(new URL("../support/fixtures/start-cluster-and-wait.js", import.meta.url));
  const temporary = await makeFolder(t);
  const starter = startProgram(process.execPath, [fixture], { environment: { TMPDIR: temporary } });
  t.after(() => starter.kill());
  const { text } = await starter.line(/^etcd \d+ at /);
  const pid = Number(text.split(" ")[1]);
  assert.ok(isAlive(pid));
  starter.signal("SIGKILL");
  await eventually(
    "etcd has ended",
    () => isAlive(pid),
    (alive) => !alive,
  );
  await eventually(
    "its data is removed",
    () => readdir(temporary),
    (folders) => folders.length === 0,
  );
});

test("a port that somebody else listens on, be it another etcd, is named by the error", async (t) => {
  const { member } = await setUp(t);
  const temporary = await makeFolder(t);
  process.env.TMPDIR = temporary;
  t.after(() => delete process.env.TMPDIR);
  await assert.rejects(startEtcd({ ports: [Number(member.endpoint.split(":")[1])] }), (error) => {
    assert.ok(error instanceof EtcdStartError);
    assert.ok(error.isPortTaken);
    return error.message.includes(member.endpoint);
  });
  assert.deepEqual(await readdir(temporary), []);
});

test("data in a folder of the caller is kept, and used again", async (t) => {
  const dataDir = await makeFolder(t);
  const first = await startEtcd({ dataDir });
  await first.etcdctl("put", "some key", "some value");
  await first.stop();
  const { cluster } = await setUp(t, { dataDir });
  assert.equal(await cluster.etcdctl("get", "--print-value-only", "some key"), "some value\n");
});

test("further words reach etcd, and variables of this process do not", async (t) => {
  process.env.ETCD_NAME = "from-outside";
  t.after(() => delete process.env.ETCD_NAME);
  const { cluster, member } = await setUp(t, { extraArguments: ["--max-txn-ops=1"] });
  assert.match(await cluster.etcdctl("member", "list"), new RegExp(`, ${member.name}, `));
  const { status } = await fetch(`http://${member.endpoint}/v3/kv/txn`, {
    method: "POST",
    body: JSON.stringify({ success: [{ request_range: { key: "YQ==" } }, { request_range: { key: "Yg==" } }] }),
  });
  assert.equal(status, 400);
});

test("foreign contenders hold one after the other, and leave only leases, for as long as their TTL", async (t) => {
  const { cluster } = await setUp(t);
  const first = startEtcdctlLock(cluster, "/some lock", { ttl: 2 });
  const { key } = await first.held();
  const second = startEtcdctlLock(cluster, "/some lock", { ttl: 2 });
  const { keys, leases } = await eventually(
    "both are in line",
    () => listLeftovers(cluster, "/some lock"),
    (seen) => seen.keys.length === 2,
  );
  assert.ok(keys.includes(key));
  assert.deepEqual(new Set(keys), new Set(leases.map((lease) => `/some lock/${lease}`)));
  await assert.rejects(assertNothingLeft(cluster, "/some lock", 100), /nothing is left.*Seen last/s);
  await assert.rejects(second.held(200), /in vain/);
  await first.release();
  await second.held();
  await second.release();
  assert.deepEqual(await listKeys(cluster, "/some lock"), []);
  await assertNothingLeft(cluster, "/some lock");
});

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "testing-etcd-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
