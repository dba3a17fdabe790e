import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Contender, type ContenderKind, ourProcess } from "../support/contenders.ts";
import { within } from "../support/eventually.ts";
import { etcdOfFile, type LockSetting } from "../support/lock-setting.ts";
import { readLine } from "../support/stored-line.ts";
import { kindsOf, provideForeign, whyMissing } from "./foreign-contenders.ts";

const foreign = await provideForeign();
const setUp = etcdOfFile({}, { hasCrashes: true });

/** Of those that crash: their lease ends so many seconds later. */
const shortTtl = 10;
const limitMs = 60_000;

/** So many of jetcd at once, each with a virtual machine of its own, does a busy machine start in time. */
const fewAtOnce = 3;

/** It does not hear of the loss of its lease while its command runs. */
const isNotTold = (kind: ContenderKind): boolean => kind.kind === "etcdctl";

/** `holder` holds, with `token`, and `next` is behind it, with `turn` to come. */
interface Pair {
  readonly holder: Contender;
  readonly token: bigint;
  readonly turn: Promise<bigint>;
}

async function lineUp(setting: LockSetting, first: ContenderKind, second: ContenderKind): Promise<Pair> {
  const [holder, next] = await Promise.all([first.start(setting, { ttl: shortTtl }), second.start(setting)]);
  const token = await holder.enter();
  const turn = next.enter();
  turn.catch(() => undefined);
  await setting.lineLength(2);
  assert.equal(await Promise.race([turn, delay(200, "waits")]), "waits");
  return { holder, token, turn };
}

/** Somebody holds, `first` is behind, and `next` behind that. Resolves to how the holder gives its lock back. */
async function lineUpBehind(
  setting: LockSetting,
  first: Contender,
  next: Contender,
): Promise<{ release: () => Promise<unknown>; firstTurn: Promise<bigint>; nextTurn: Promise<bigint> }> {
  const holder = await setting.manager({ ttl: 20 }).acquire(setting.key);
  const firstTurn = first.enter();
  firstTurn.catch(() => undefined);
  await setting.lineLength(2);
  const nextTurn = next.enter();
  nextTurn.catch(() => undefined);
  await setting.lineLength(3);
  return { release: () => holder.release(), firstTurn, nextTurn };
}

async function assertLarger(token: bigint, turn: Promise<bigint>): Promise<void> {
  const next = await within(limitMs, "the turn of the next in line", turn);
  assert.ok(next > token, `${next} after ${token}`);
}

async function revokeLease({ cluster, key }: LockSetting, place: number): Promise<void> {
  const entry = (await readLine(cluster, key)).entries[place];
  await cluster.etcdctl("lease", "revoke", entry?.lease ?? "");
}

async function assertTold({ program }: Contender): Promise<void> {
  await program?.line(/^lost$/, limitMs);
  assert.equal((await program?.end())?.code, 2);
}

/** What happens to `one`, a holder or a waiter, while `other` is behind it. */
function testFaults(one: ContenderKind, other: ContenderKind): void {
  it(`of ${one.kind} that holds and crashes: ${other.kind} is served when its lease has ended`, async (t) => {
    const { holder, token, turn } = await lineUp(setUp(t), one, other);
    await holder.program?.kill();
    await assertLarger(token, turn);
  });

  it(`of ${one.kind} whose lease is revoked: ${other.kind} is served`, async (t) => {
    const setting = setUp(t);
    const { holder, token, turn } = await lineUp(setting, one, other);
    await revokeLease(setting, 0);
    await assertLarger(token, turn);
    if (!isNotTold(one)) await assertTold(holder);
  });

  it(`of ${one.kind} that is frozen for longer than its lease: ${other.kind} is served`, async (t) => {
    const { holder, token, turn } = await lineUp(setUp(t), one, other);
    holder.program?.signal("SIGSTOP");
    await assertLarger(token, turn);
    holder.program?.signal("SIGCONT");
    if (!isNotTold(one)) await assertTold(holder);
  });

  it(`of ${one.kind} that waits and crashes: ${other.kind} is served`, async (t) => {
    const setting = setUp(t);
    const [waiter, next] = await Promise.all([one.start(setting, { ttl: shortTtl }), other.start(setting)]);
    const { release, nextTurn } = await lineUpBehind(setting, waiter, next);
    await waiter.program?.kill();
    await release();
    await within(limitMs, "the turn of the next in line", nextTurn);
  });

  it(`of ${one.kind} that waits and whose lease is revoked: ${other.kind} is served`, async (t) => {
    const setting = setUp(t);
    const [waiter, next] = await Promise.all([one.start(setting), other.start(setting)]);
    const { release, firstTurn, nextTurn } = await lineUpBehind(setting, waiter, next);
    await revokeLease(setting, 1);
    // Ours enters again, at the end, and the others are out.
    if (one === ourProcess) await setting.lineLength(3);
    await release();
    await within(limitMs, "the turn of the next in line", nextTurn);
    if (one !== ourProcess) return;
    await next.leave();
    await within(limitMs, "our turn", firstTurn);
  });
}

for (const theirs of foreign) {
  const skip = whyMissing(theirs);
  describe(`beside ${theirs.kind}, a fault`, { skip, concurrency: theirs.kind === "jetcd" ? fewAtOnce : true }, () => {
    for (const kind of kindsOf([theirs])) {
      testFaults(kind, ourProcess);
      testFaults(ourProcess, kind);
    }
  });
}
