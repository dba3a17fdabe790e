import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Bell } from "#dist/bell.js";
import { systemClock } from "#dist/clock.js";
import { DeadlineAlarm } from "#dist/deadline-alarm.js";
import { ClockJump } from "#dist/session/clock-jump.js";
import { FakeClock } from "../support/fake-clock.js";

/** Is removed once it has been told. */
class TestDeadline {
  dueAt: number;
  told = 0;
  readonly #alarm: DeadlineAlarm;

  constructor(dueAt: number, alarm: DeadlineAlarm) {
    this.dueAt = dueAt;
    this.#alarm = alarm;
    alarm.add(this);
  }

  onDue(): void {
    this.told += 1;
    this.#alarm.remove(this);
  }
}

test("a deadline that moves on in time is not told, one that passes is told once", () => {
  const clock = new FakeClock();
  const alarm = new DeadlineAlarm(clock, true);
  const deadline = new TestDeadline(clock.now() + 1_000, alarm);
  clock.advance(900);
  deadline.dueAt += 500;
  clock.advance(599);
  assert.equal(deadline.told, 0);
  clock.advance(10_000);
  assert.equal(deadline.told, 1);
  assert.equal(clock.alarms, 0);
});

test("a deadline that is removed leaves no alarm behind", () => {
  const clock = new FakeClock();
  const alarm = new DeadlineAlarm(clock, true);
  const deadline = new TestDeadline(clock.now() + 1_000, alarm);
  alarm.remove(deadline);
  assert.equal(clock.alarms, 0);
  clock.advance(10_000);
  assert.equal(deadline.told, 0);
});

test("a deadline that has moved back is told in time when it was looked at", () => {
  const clock = new FakeClock();
  const alarm = new DeadlineAlarm(clock, true);
  const deadline = new TestDeadline(clock.now() + 1_000, alarm);
  deadline.dueAt -= 500;
  alarm.lookAt(deadline);
  clock.advance(500);
  assert.equal(deadline.told, 1);
});

test("many deadlines share one alarm, and each is told in its time", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 30 }), (delays) => {
      const clock = new FakeClock();
      const alarm = new DeadlineAlarm(clock, true);
      const deadlines = delays.map((delay) => new TestDeadline(clock.now() + delay, alarm));
      for (let passed = 0; passed <= 100; passed += 1) {
        clock.advance(passed === 0 ? 0 : 1);
        assert.ok(clock.alarms <= 1);
        for (const [index, { told }] of deadlines.entries()) assert.equal(told, (delays[index] ?? 0) <= passed ? 1 : 0);
      }
    }),
  );
});

test("a jump of the wall clock, back or forth, puts in doubt what was proved before", () => {
  const clock = new FakeClock();
  const jump = new ClockJump(clock);
  assert.equal(jump.noticedAt(), Number.NEGATIVE_INFINITY);
  clock.advance(5_000);
  clock.jumpWall(-151);
  assert.equal(jump.noticedAt(), clock.now());
  const noticedAt = clock.now();
  clock.advance(5_000);
  assert.equal(jump.noticedAt(), noticedAt);
  clock.jumpWall(20_000);
  assert.equal(jump.noticedAt(), clock.now());
});

test("a wall clock that is corrected little by little is no jump", () => {
  const clock = new FakeClock();
  const jump = new ClockJump(clock);
  for (let step = 0; step < 100; step += 1) {
    clock.advance(10_000);
    clock.jumpWall(15);
    assert.equal(jump.noticedAt(), Number.NEGATIVE_INFINITY);
  }
});

test("a ring while nobody waits is heard by the next wait, and only by that", async () => {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  const { signal } = new AbortController();
  bell.ring();
  await bell.wait(1_000, signal);
  const wait = bell.wait(1_000, signal);
  clock.advance(1_000);
  await wait;
  assert.equal(clock.alarms, 0);
});

test("a wait that is aborted leaves no alarm behind", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const wait = new Bell(clock).wait(1_000, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(wait, /enough/);
  assert.equal(clock.alarms, 0);
});

test("the clock of this machine never goes back", () => {
  let last = systemClock.now();
  for (let reading = 0; reading < 1_000; reading += 1) {
    const now = systemClock.now();
    assert.ok(now >= last);
    last = now;
  }
});
