import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  assertServedInOrder,
  type Contender,
  type ContenderKind,
  etcdctl,
  ourCommand,
  ourProcess,
} from "../support/contenders.ts";
import { etcdOfFile, type LockSetting } from "../support/lock-setting.ts";
import { etcdctlElection, kindsOf, provideForeign, whyMissing } from "./foreign-contenders.ts";

const foreign = await provideForeign();
const kinds = kindsOf(foreign);
const setUp = etcdOfFile({}, { hasCrashes: true });

/** A line in which each kind stands right behind each other one, once. */
function everyNeighbourhood(all: readonly ContenderKind[]): ContenderKind[] {
  const pairs = all.flatMap((one, index) => all.slice(index + 1).flatMap((other) => [one, other]));
  return [...pairs, ...all.slice(0, 1)];
}

describe("contenders of other languages and ours are served in order of arrival, one at a time, with growing tokens,", () => {
  it("in one line, each kind right behind each other one", async (t) => {
    for (const theirs of foreign) t.diagnostic(`${theirs.kind}: ${whyMissing(theirs) || "takes part"}`);
    await assertServedInOrder(setUp(t), everyNeighbourhood([ourProcess, ourCommand, ...kinds]));
  });

  it("as candidates of one election", async (t) => {
    const candidates = [ourProcess, ...kinds.map((kind) => (kind === etcdctl ? etcdctlElection : kind))];
    await assertServedInOrder(setUp(t), everyNeighbourhood(candidates), { contest: "elect" });
  });
});

describe("several turns of everybody in one line", () => {
  /** Takes so many turns, and fails when somebody else is inside. */
  async function takeTurns(contender: Contender, rounds: number, inside: Set<string>): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await contender.enter();
      assert.deepEqual([...inside], [], `${contender.kind} came in`);
      inside.add(contender.kind);
      await delay(2);
      inside.delete(contender.kind);
      await contender.leave();
    }
  }

  it("never lead to two inside", async (t) => {
    const setting = setUp(t);
    const inside = new Set<string>();
    // A command has one turn only.
    const patient = [ourProcess, ourProcess, ...kinds.filter((kind) => kind !== etcdctl)];
    const contenders = await Promise.all([...patient, ...patient].map((kind) => kind.start(setting)));
    const rounds = contenders.map((contender) => takeTurns(contender, 8, inside));
    const commands = Array.from({ length: 6 }, async (_, index) => {
      const kind = index % 2 === 0 ? etcdctl : ourCommand;
      await takeTurns(await kind.start(setting), 1, inside);
    });
    await Promise.all([...rounds, ...commands]);
    await Promise.all(contenders.map((contender) => contender.end()));
  });
});

describe("a lock and an election of one name exclude each other:", () => {
  async function assertExcluded(setting: LockSetting, holder: Contender, next: Contender): Promise<void> {
    await holder.enter();
    const turn = next.enter();
    await setting.lineLength(2);
    turn.catch(() => undefined);
    assert.equal(await Promise.race([turn, delay(200, "waits")]), "waits");
    await holder.leave();
    await turn;
    await next.leave();
  }

  for (const other of foreign) {
    it(`our lock, and the election of ${other.kind}`, { skip: whyMissing(other) }, async (t) => {
      const setting = setUp(t);
      for (const kind of kindsOf([other])) {
        const candidate = kind === etcdctl ? etcdctlElection : kind;
        const theirs = candidate.start(setting, { contest: "elect" });
        await assertExcluded(setting, await ourProcess.start(setting), await theirs);
      }
    });
  }
});
