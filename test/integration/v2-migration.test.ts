import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { etcdlockerPath, startEtcdlocker } from "../support/etcdlocker.ts";
import { eventually, within } from "../support/eventually.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { type V2Setting, v2IsMissing, v2OfFile } from "../support/v2-setting.ts";

const setUp = v2OfFile();

/** What a machine does with the lock, from 1.x to the end of the migration: docs/migrating-from-1.md. */
const steps = ["1.x", "2.x on v2", "both", "2.x on v3"] as const;

type Step = (typeof steps)[number];
type Giveable = { lock(): Promise<unknown>; unlock(): Promise<unknown> };

/** One machine of the fleet: works under the lock again and again. */
class Machine {
  readonly #setting: V2Setting;
  readonly #id: string;
  readonly #work: () => Promise<void>;
  #step: Step = "1.x";
  #turns = 0;
  #isOver = false;

  constructor(setting: V2Setting, id: string, work: () => Promise<void>) {
    this.#setting = setting;
    this.#id = id;
    this.#work = work;
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const locks = this.#locks();
      for (const lock of locks) await lock.lock();
      await this.#work();
      for (const lock of locks.reverse()) await lock.unlock();
      this.#turns += 1;
    }
  }

  /** Resolves when it has worked in the new way. */
  async goTo(step: Step): Promise<void> {
    this.#step = step;
    const turns = this.#turns;
    await eventually(
      `${this.#id} works at step ${step}`,
      () => this.#turns,
      (count) => count >= turns + 3,
      60_000,
    );
  }

  end(): void {
    this.#isOver = true;
  }

  #locks(): Giveable[] {
    const { clients, endpoint, key } = this.#setting;
    const onV2 = (): Giveable => this.#setting.lock({ id: this.#id, ttl: 60 });
    const onV3 = (): Giveable => this.#setting.lock({ id: this.#id, ttl: 60, etcd: endpoint });
    switch (this.#step) {
      case "1.x":
        return [clients.lock1(endpoint, key, this.#id, 60)];
      case "2.x on v2":
        return [onV2()];
      case "both":
        return [onV2(), onV3()];
      case "2.x on v3":
        return [onV3()];
    }
  }
}

describe("from 1.x on v2 to 2.x on v3", { skip: v2IsMissing }, () => {
  it("a fleet goes one machine after the other, and there are never two inside", async (t) => {
    const setting = setUp(t);
    let inside = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      assert.equal(inside, 1);
      await delay(5);
      assert.equal(inside, 1);
      inside -= 1;
    };
    const machines = ["a", "b", "c"].map((id) => new Machine(setting, id, work));
    const running = Promise.all(machines.map((machine) => machine.run()));
    const migrating = async (): Promise<void> => {
      for (const step of steps) for (const machine of machines) await machine.goTo(step);
    };
    await Promise.race([running, within(240_000, "the migration", migrating())]);
    for (const machine of machines) machine.end();
    await running;
  });

  it("takes the step with both locks: without it there would be two", async (t) => {
    const setting = setUp(t);
    const [onV2, onV3] = [setting.lock(), setting.lock({ etcd: setting.endpoint })];
    await onV2.lock();
    await within(20_000, "the other lock of the same name", onV3.lock());
    assert.deepEqual([onV2.held, onV3.held], [true, true]);
    await onV2.unlock();
    await onV3.unlock();
  });

  it("commands go the same way, with one etcdlocker inside of the other in between", async (t) => {
    const setting = setUp(t);
    const folder = await mkdtemp(join(tmpdir(), "etcd-lock-migration-"));
    setting.onEnd(() => rm(folder, { recursive: true, force: true }));
    const inside = join(folder, "inside");
    const command = ["sh", "-c", `mkdir ${inside} || exit 99; sleep 0.1; rmdir ${inside}`];
    let count = 0;
    const start = (step: Step): Program => {
      count += 1;
      const lock = ["-k", setting.key, "-i", `machine-${count}`, "-t", "60"];
      const itself = [process.execPath, etcdlockerPath];
      if (step === "1.x") {
        const words = ["-e", setting.endpoint, ...lock, "--", ...command];
        return startProgram(process.execPath, [setting.clients.etcdlocker1, ...words]);
      }
      if (step === "2.x on v2") return startEtcdlocker([setting.endpoint], ["--api", "2", ...lock, "--", ...command]);
      if (step === "2.x on v3") return startEtcdlocker([setting.endpoint], [...lock, "--", ...command]);
      return startEtcdlocker([setting.endpoint], ["--api", "2", ...lock, "--", ...itself, ...lock, "--", ...command]);
    };
    for (const [before, after] of [
      ["1.x", "2.x on v2"],
      ["2.x on v2", "both"],
      ["both", "2.x on v3"],
    ] as const) {
      const programs = [start(before), start(after), start(before), start(after)];
      const endings = await Promise.all(programs.map((program) => program.end(90_000)));
      const codes = endings.map(({ code }) => code);
      assert.deepEqual(codes, [0, 0, 0, 0], programs.map(({ stderr }) => stderr).join(""));
    }
  });

  for (const [which, lose] of [
    ["on v2", (setting: V2Setting) => setting.remove()],
    ["on v3", (setting: V2Setting) => setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`)],
  ] as const) {
    it(`a command under both locks ends when the one ${which} is lost`, async (t) => {
      const setting = setUp(t);
      const lock = ["-k", setting.key, "-t", "30"];
      const inner = [process.execPath, etcdlockerPath, ...lock, "--", "sh", "-c", "echo inside $$; exec sleep 1000"];
      await using program = startEtcdlocker([setting.endpoint], ["--api", "2", ...lock, "--", ...inner]);
      const { text } = await program.line(/^inside \d+$/);
      await lose(setting);
      assert.equal((await program.end(60_000)).code, 2);
      assert.throws(() => process.kill(Number(text.split(" ")[1]), 0), /ESRCH/);
    });
  }
});
