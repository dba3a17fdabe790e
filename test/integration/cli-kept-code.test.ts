import assert from "node:assert/strict";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { newName, startEtcdForFile } from "../support/etcd-for-commands.ts";
import { startProgram } from "../support/programs.ts";

const bundled = fileURLToPath(new URL("../../../dist/command/bin.js", import.meta.url));
const etcd = await startEtcdForFile();

describe("what etcdlocker keeps of its compiled code", { concurrency: true }, () => {
  it("is used at the next start", async () => {
    const home = newHome();
    await run(home);
    const kept = keptFiles(home);
    assert.ok(kept.length > 1);
    const before = kept.map((file) => readFileSync(file));
    await run(home);
    // What V8 refuses is written anew.
    assert.deepEqual(keptFiles(home), kept);
    assert.ok(kept.every((file, index) => before[index]?.equals(readFileSync(file))));
  });

  it("is left alone and replaced when it is damaged", async () => {
    const home = newHome();
    await run(home);
    const whole = keptFiles(home).map((file) => ({ file, bytes: readFileSync(file) }));
    for (const damage of [zeroEnd, flipBits, cutShort]) {
      for (const { file, bytes } of whole) writeFileSync(file, damage(bytes));
      await run(home);
      assert.ok(whole.every(({ file, bytes }) => !readFileSync(file).equals(damage(bytes))));
    }
  });

  it("is not missed where the home cannot be looked at", async () => {
    const home = newHome();
    symlinkSync(join(home, "again"), join(home, "again"));
    await run(join(home, "again"));
    await run("/dev/null/home");
  });

  it("is not missed where no file can be written", async () => {
    const home = newHome();
    writeFileSync(join(home, ".cache"), "not a folder");
    await run(home);
  });

  it("is not there when Node.js shall keep none", async () => {
    const home = newHome();
    await run(home, { NODE_DISABLE_COMPILE_CACHE: "1" });
    assert.deepEqual(readdirSync(home), []);
  });

  it("is not put into a home that belongs to somebody else", { skip: process.getuid?.() !== 0 }, async () => {
    const home = newHome();
    chownSync(home, 65_534, 65_534);
    await run(home);
    assert.deepEqual(readdirSync(home), []);
  });
});

async function run(home: string, environment: Record<string, string> = {}): Promise<void> {
  const words = ["-e", etcd.endpoints.join(), "-k", newName(), "--", "sh", "-c", "echo it ran; exit 7"];
  const locker = startProgram(process.execPath, [bundled, ...words], { environment: { HOME: home, ...environment } });
  const { code } = await locker.end();
  assert.deepEqual({ code, stdout: locker.stdout, stderr: locker.stderr }, { code: 7, stdout: "it ran\n", stderr: "" });
}

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), "etcdlocker-home-"));
  after(() => rmSync(home, { recursive: true }));
  return home;
}

function keptFiles(home: string): string[] {
  const folder = join(home, ".cache", "etcd-lock", "compiled");
  return readdirSync(folder).map((file) => join(folder, file));
}

function zeroEnd(bytes: Buffer): Buffer {
  return Buffer.from(bytes).fill(0, bytes.length / 2);
}

function flipBits(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, index) => (index % 1_000 === 500 ? byte ^ 0x10 : byte)));
}

function cutShort(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length / 3);
}
