import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { providePythonPackages } from "../../provision/python-packages.ts";
import { rootFolder } from "../../provision/root-folder.ts";
import { provideClients } from "../support/clients.ts";
import { etcdOfFile } from "../support/lock-setting.ts";
import { startProgram } from "../support/programs.ts";
import { readKeys } from "../support/stored-line.ts";
import { mayFetch } from "./may-fetch.ts";

const setUp = etcdOfFile({}, { hasCrashes: true });

const clients = await provideClients();
const python = await providePythonPackages(["etcd3==0.12.0", "protobuf==3.20.3"], { mayFetch });
const noPython = "missing" in python ? python.missing : false;

test("the lock of npm etcd3 is a key of its own name: it and ours are held at once, and it stands in the line of the name above", async (t) => {
  const setting = setUp(t);
  const { cluster, key } = setting;
  const client = clients.etcd3({ hosts: cluster.endpoints.join() });
  setting.onEnd(async () => client.close());
  const theirs = client.lock(`${key}/job`).ttl(60);
  await theirs.acquire();
  assert.deepEqual(
    (await readKeys(cluster, key)).map((stored) => stored.key),
    [`${key}/job`],
  );
  const manager = setting.manager();
  const ours = await manager.acquire(`${key}/job`);
  assert.equal(ours.held, true);
  const { entries } = await manager.inspect(key);
  assert.deepEqual(
    entries.map((entry) => [entry.key, entry.foreign]),
    [[`${key}/job`, true]],
  );
  assert.equal(await manager.tryAcquire(key), null);
  await theirs.release();
  const above = await manager.acquire(key);
  await above.release();
  await ours.release();
});

test("the lock of python-etcd3 is a key below /locks: it and ours are held at once, and it stands in the line of /locks", {
  skip: noPython,
}, async (t) => {
  const setting = setUp(t);
  const { cluster, member } = setting;
  const hold = join(rootFolder, "test/interop/programs/python/hold.py");
  const [host = "", port = ""] = member.endpoint.split(":");
  const theirs = startProgram("python3", [hold, host, port, "job"], {
    environment: { PYTHONPATH: "thing" in python ? python.thing : "", PYTHONDONTWRITEBYTECODE: "1" },
  });
  setting.onEnd(() => theirs.kill());
  await theirs.line(/^held$/, 60_000);
  assert.deepEqual(
    (await readKeys(cluster, "/locks")).map((stored) => stored.key),
    ["/locks/job"],
  );
  const manager = setting.manager();
  for (const name of ["job", "/locks/job"]) assert.equal((await manager.acquire(name)).held, true);
  const { entries } = await manager.inspect("/locks");
  assert.deepEqual(
    entries.map((entry) => [entry.key, entry.foreign]),
    [["/locks/job", true]],
  );
  assert.equal(await manager.tryAcquire("/locks"), null);
  theirs.child.stdin?.end();
  await theirs.line(/^left$/);
  const above = await manager.acquire("/locks");
  assert.equal(above.held, true);
});
