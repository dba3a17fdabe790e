import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { findEtcd } from "#dist/testing/index.js";
import { fixture } from "../support/etcdlocker.ts";
import { etcdOfTest, type LockSetting } from "../support/lock-setting.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { readKeys } from "../support/stored-line.ts";

const limitMs = 90_000;
const lines = 5;

/** A cluster, and a folder in which whoever is inside line 3 makes the folder `3`. */
async function setUp(t: TestContext): Promise<{ setting: LockSetting; folder: string }> {
  const setting = await etcdOfTest(t);
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-contention-"));
  setting.onEnd(() => rm(folder, { recursive: true }));
  return { setting, folder };
}

function startContender({ cluster, key }: LockSetting, folder: string, rounds: number, atOnce: number): Program {
  const words = [fixture("contender"), cluster.endpoints.join(), key, folder, lines, rounds, atOnce];
  return startProgram(process.execPath, words.map(String));
}

/** Takes the lock of one line by `etcdctl lock` with a command, as scripts do, so many times. */
async function contendByEtcdctl(
  { cluster, key }: LockSetting,
  folder: string,
  line: number,
  rounds: number,
): Promise<void> {
  const { etcdctl = "" } = findEtcd();
  const inside = join(folder, String(line));
  const command = ["sh", "-c", 'mkdir "$1" && sleep 0.01 && rmdir "$1"', "sh", inside];
  const words = [`--endpoints=${cluster.endpoints}`, "lock", "--ttl=20", "--", `${key}${line}`, ...command];
  for (let round = 0; round < rounds; round += 1) {
    await using program = startProgram(etcdctl, words);
    const { code } = await program.end(limitMs);
    assert.equal(code, 0, program.stderr);
  }
}

async function assertDone(programs: readonly Program[]): Promise<void> {
  await Promise.all(
    programs.map(async (program) => {
      const { code } = await program.end(limitMs);
      assert.equal(`${program.stdout}${program.stderr}`, "done\n");
      assert.equal(code, 0);
    }),
  );
}

it("several processes with overlapping sets of locks, and etcdctl in the lines, are all served, one at a time", async (t) => {
  const { setting, folder } = await setUp(t);
  const contenders = Array.from({ length: 3 }, () => startContender(setting, folder, 15, 5));
  const startedAt = performance.now();
  await Promise.all([assertDone(contenders), ...[0, 1, 2].map((line) => contendByEtcdctl(setting, folder, line, 6))]);
  t.diagnostic(`${3 * 15 * 5 + 3 * 6} turns in ${Math.round(performance.now() - startedAt)} ms`);
  assert.deepEqual(await readdir(folder), []);
  assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
});
