import assert from "node:assert/strict";
import { test } from "node:test";
import { Bell } from "#dist/bell.js";
import { systemClock } from "#dist/clock.js";
import { DeadlineAlarm } from "#dist/deadline-alarm.js";
import { ClockJump } from "#dist/session/clock-jump.js";
import { FakeClock } from "../support/fake-clock.js";

test("a deadline that moves on in time is not told, one that passes is told once", () => {
  const clock = new FakeClock();
  let deadline = clock.now() + 1_000;
  let told = 0;
  new DeadlineAlarm(
    clock,
    () => deadline,
    () => {
      told += 1;
    },
  );
  clock.advance(900);
  deadline += 500;
  clock.advance(599);
  assert.equal(told, 0);
  clock.advance(10_000);
  assert.equal(told, 1);
  assert.equal(clock.alarms, 0);
});

test("a cancelled deadline leaves no alarm behind", () => {
  const clock = new FakeClock();
  const alarm = new DeadlineAlarm(
    clock,
    () => clock.now() + 10,
    () => assert.fail("told"),
  );
  alarm.cancel();
  clock.advance(1_000);
  assert.equal(clock.alarms, 0);
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
