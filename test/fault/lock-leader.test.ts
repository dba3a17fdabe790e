import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fixture } from "../support/etcdlocker.ts";
import { assertOneAtATime, type HoldSpan, readHolds } from "../support/hold-history.ts";
import { etcdOfTest, type LockSetting } from "../support/lock-setting.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { readLine } from "../support/stored-line.ts";

const ttl = 2;
const owners = ["first", "second", "third", "fourth"];

interface Contender {
  readonly owner: string;
  readonly program: Program;
}

function contend(setting: LockSetting): Contender[] {
  return owners.map((owner, index) => {
    const { endpoints } = setting.cluster;
    // Each begins at another member.
    const turned = endpoints.map((_, offset) => endpoints[(index + offset) % endpoints.length]);
    const words = [fixture("contend"), turned.join(","), setting.key, owner, `${ttl}`];
    const program = startProgram(process.execPath, words);
    setting.onEnd(() => program.kill());
    return { owner, program };
  });
}

async function endAll(contenders: readonly Contender[]): Promise<HoldSpan[]> {
  for (const { program } of contenders) program.child.stdin?.end();
  for (const { program } of contenders) assert.equal((await program.end(30_000)).code, 0, program.stderr);
  return contenders.flatMap(({ owner, program }) => readHolds(owner, program));
}

describe("several processes that contend for one lock", () => {
  it("never hold it two at once, while the leader is paused for longer than the TTL and woken, ten times", async (t) => {
    const setting = await etcdOfTest(t, { members: 3 });
    const contenders = contend(setting);
    for (let pause = 0; pause < 10; pause += 1) {
      const leader = await setting.cluster.leader();
      leader.pause();
      await delay(ttl * 1_000 + 500 + Math.random() * 1_000);
      leader.resume();
      await delay(500 + Math.random() * 500);
    }
    const holds = await endAll(contenders);
    for (const ending of new Set(holds.map((hold) => hold.ending))) {
      t.diagnostic(`${holds.filter((hold) => hold.ending === ending).length} holds: ${ending}`);
    }
    assertOneAtATime(holds);
    for (const owner of owners)
      assert.ok(
        holds.some((hold) => hold.owner === owner),
        `${owner} was never served`,
      );
    assert.ok(holds.length > 15, `${holds.length} holds`);
    assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
  });
});
