import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { findEtcd } from "#dist/testing/index.js";

/** A folder with these programs, which do nothing. */
async function setUp(t: TestContext, ...programs: string[]): Promise<{ at: (program: string) => string }> {
  const folder = await mkdtemp(join(tmpdir(), "testing-find-etcd-"));
  t.after(() => rm(folder, { recursive: true }));
  const at = (program: string) => join(folder, program);
  for (const program of programs) {
    await mkdir(dirname(at(program)), { recursive: true });
    await writeFile(at(program), "#!/bin/sh\n", { mode: 0o755 });
  }
  return { at };
}

test("ETCD_BIN wins over PATH, and etcdctl is looked for next to it first", async (t) => {
  const { at } = await setUp(t, "named/etcd", "named/etcdctl", "path/etcd", "path/etcdctl");
  assert.deepEqual(findEtcd({ ETCD_BIN: at("named/etcd"), PATH: at("path") }), {
    etcd: at("named/etcd"),
    etcdctl: at("named/etcdctl"),
  });
});

test("ETCDCTL_BIN wins over what is next to etcd", async (t) => {
  const { at } = await setUp(t, "path/etcd", "path/etcdctl", "named/my-etcdctl");
  const { etcdctl } = findEtcd({ ETCDCTL_BIN: at("named/my-etcdctl"), PATH: at("path") });
  assert.equal(etcdctl, at("named/my-etcdctl"));
});

test("on PATH, the first folder with a program of that name counts", async (t) => {
  const { at } = await setUp(t, "first/unrelated", "second/etcd", "third/etcd", "third/etcdctl");
  await mkdir(at("first/etcd"));
  const path = [at("missing"), at("first"), at("second"), at("third")].join(":");
  assert.deepEqual(findEtcd({ PATH: path }), { etcd: at("second/etcd"), etcdctl: at("third/etcdctl") });
});

test("without etcdctl, etcd alone is found", async (t) => {
  const { at } = await setUp(t, "path/etcd");
  assert.deepEqual(findEtcd({ PATH: at("path"), ETCD_BIN: "" }), { etcd: at("path/etcd"), etcdctl: undefined });
});

test("without etcd, the error says what to install", () => {
  assert.throws(() => findEtcd({ PATH: "/nowhere" }), /etcd was not found: install it .*etcd-server.*brew.*ETCD_BIN/);
});

test("a variable that names no program is an error, and PATH is not tried", async (t) => {
  const { at } = await setUp(t, "path/etcd", "path/etcdctl");
  assert.throws(
    () => findEtcd({ ETCD_BIN: at("typo"), PATH: at("path") }),
    /ETCD_BIN is ".*typo", which is not a program/,
  );
  assert.throws(() => findEtcd({ ETCDCTL_BIN: at("path"), PATH: at("path") }), /ETCDCTL_BIN is .* not a program/);
});
