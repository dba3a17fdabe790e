import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { request } from "node:https";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type EtcdCluster, findEtcd, type StartEtcdOptions, startEtcd } from "#dist/testing/index.js";
import { eventually } from "../support/eventually.ts";
import { startProgram } from "../support/programs.ts";

/** Those that can be built, besides the one that is installed. */
const releases = ["3.5", "3.6", "3.7"];

const cacheFolder =
  process.env.ETCD_LOCK_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "etcd-lock");
const built = await readdir(cacheFolder).catch(() => []);

async function setUp(t: TestContext, options: StartEtcdOptions): Promise<EtcdCluster> {
  const cluster = await startEtcd(options);
  t.after(() => cluster.stop());
  return cluster;
}

test("a cluster with TLS lets in whoever shows its certificate, and nobody else", async (t) => {
  const cluster = await setUp(t, { tls: true });
  const { tls, endpoints } = cluster;
  assert.ok(tls);
  assert.match(endpoints.join(), /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(await cluster.etcdctl("put", "some key", "some value"), "OK\n");
  const { ca, cert, key } = tls;
  assert.equal(await readHealth(endpoints[0], { ca, cert, key }), 200);
  await assert.rejects(
    readHealth(endpoints[0], { ca }),
    /certificate required|bad certificate|socket hang up|ECONNRESET/,
  );
  await assert.rejects(readHealth(endpoints[0], { cert, key }), /self-signed certificate|unable to verify/);
});

test("the certificates of a cluster are there as files, too", async (t) => {
  const { tls } = await setUp(t, { tls: true });
  assert.ok(tls);
  assert.deepEqual(await readFile(tls.caFile), tls.ca);
  assert.deepEqual(await readFile(tls.certFile), tls.cert);
  assert.deepEqual(await readFile(tls.keyFile), tls.key);
});

test("a cluster with auth lets in its user, and nobody else", async (t) => {
  const cluster = await setUp(t, { auth: true });
  const { user, endpoints } = cluster;
  assert.ok(user);
  assert.equal(await cluster.etcdctl("put", "some key", "some value"), "OK\n");
  await assert.rejects(cluster.etcdctl("--user=root:guess", "get", "some key"), /invalid user ID or password/);
  const { etcdctl = "" } = findEtcd();
  const nobody = startProgram(etcdctl, [`--endpoints=${endpoints}`, "get", "some key"]);
  assert.notEqual((await nobody.end()).code, 0);
  assert.match(nobody.stderr, /user name is empty/);
});

test("three members with TLS and auth elect a new leader, and let their user in again", async (t) => {
  const cluster = await setUp(t, { members: 3, tls: true, auth: true });
  const old = await cluster.leader();
  await cluster.etcdctl("put", "some key", "some value");
  await old.kill();
  assert.notEqual((await cluster.leader()).name, old.name);
  assert.equal(await cluster.etcdctl("get", "--print-value-only", "some key"), "some value\n");
  await old.start();
  assert.equal(await cluster.etcdctl("get", "--print-value-only", "some key"), "some value\n");
});

test("nothing is left of a cluster with TLS when the process that started it is killed", async (t) => {
  const fixture = fileURLToPath(new URL("../support/fixtures/start-cluster-and-wait.js", import.meta.url));
  const temporary = await makeFolder(t);
  const starter = startProgram(process.execPath, [fixture, JSON.stringify({ tls: true })], {
    environment: { TMPDIR: temporary },
  });
  t.after(() => starter.kill());
  await starter.line(/^etcd \d+ at /);
  starter.signal("SIGKILL");
  await eventually(
    "its files are removed",
    () => readdir(temporary),
    (folders) => folders.length === 0,
  );
});

test("without openssl, the error says so, and nothing is left", async (t) => {
  const temporary = await makeFolder(t);
  setEnvironment(t, { ETCD_BIN: findEtcd().etcd, PATH: "", TMPDIR: temporary });
  await assert.rejects(startEtcd({ tls: true }), /openssl was not found: install it/);
  assert.deepEqual(await readdir(temporary), []);
});

test("the etcd that is found is used when it is of the version wanted, by release or exactly", async (t) => {
  const version = await readVersion(await setUp(t, {}));
  const release = version.split(".").slice(0, 2).join(".");
  setEnvironment(t, { ETCD_LOCK_CACHE: await makeFolder(t) });
  assert.equal(await readVersion(await setUp(t, { version })), version);
  assert.equal(await readVersion(await setUp(t, { version: release })), version);
});

for (const release of releases) {
  const isBuilt = built.some((folder) => folder.startsWith(`etcd-${release}.`));
  const skip =
    isBuilt || process.env.ETCD_LOCK_BUILD === "1"
      ? false
      : `etcd ${release} would have to be built: ETCD_LOCK_BUILD=1`;
  test(`etcd ${release} runs, with TLS and auth`, { skip }, async (t) => {
    const cluster = await setUp(t, { version: release, tls: true, auth: true });
    assert.ok((await readVersion(cluster)).startsWith(`${release}.`));
    assert.ok((await cluster.etcdctl("version")).startsWith(`etcdctl version: ${release}.`));
    assert.equal((await cluster.leader()).name, "member1");
  });
}

test("of what was built before, the newest patch is used, and a release candidate only when it is named", async (t) => {
  const folder = await makeFolder(t);
  const { etcd, etcdctl } = findEtcd();
  for (const version of ["3.99.9", "3.99.10", "3.99.11-rc.0", "3.9.99"]) {
    await mkdir(join(folder, `etcd-${version}`));
    if (version !== "3.99.10") continue;
    await symlink(etcd, join(folder, `etcd-${version}`, "etcd"));
    await symlink(etcdctl ?? "", join(folder, `etcd-${version}`, "etcdctl"));
  }
  setEnvironment(t, { ETCD_LOCK_CACHE: folder });
  await setUp(t, { version: "3.99" });
  await assert.rejects(startEtcd({ version: "3.99.11-rc.0" }), /ENOENT/);
});

test("a version that cannot be had is an error that says why, and what to do", async (t) => {
  const cache = await makeFolder(t);
  setEnvironment(t, { ETCD_BIN: findEtcd().etcd, PATH: "", ETCD_LOCK_CACHE: cache });
  await assert.rejects(startEtcd({ version: "3.5.1" }), /etcd 3\.5\.1 could not be built: Go is not there.*ETCD_BIN/);
  await assert.rejects(
    startEtcd({ version: "3.4.1" }),
    /etcd 3\.4\.1 cannot be built, since it is no Go module.*ETCD_BIN/,
  );
  await assert.rejects(startEtcd({ version: "latest" }), /version is "latest", and must be like "3\.5"/);
  assert.deepEqual(await readdir(cache), []);
});

async function readVersion(cluster: EtcdCluster): Promise<string> {
  const answer = await cluster.etcdctl("endpoint", "status", "--write-out=json");
  const [{ Status }]: [{ Status: { version: string } }] = JSON.parse(answer);
  return Status.version;
}

interface Certificate {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** The status code of the answer to a client with these certificates. */
function readHealth(endpoint = "", certificate: Certificate = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(`${endpoint}/health`, { ...certificate, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.end();
  });
}

/** Until the test ends. */
function setEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "testing-options-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
