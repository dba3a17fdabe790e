import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newName, startEtcdForFile } from "../support/etcd-for-commands.ts";
import { letGo, runEtcdlocker, startEtcdlocker, startHolder } from "../support/etcdlocker.ts";
import { listKeys } from "../support/leftovers.ts";

const etcd = await startEtcdForFile();
const { endpoints } = etcd;

describe("waiting in line", { concurrency: true }, () => {
  it("is said in one line when nobody looks all the time, and the command has standard output for itself", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name);
    await using waiter = startEtcdlocker(endpoints, ["-k", name, "echo", "my turn"]);
    await waiter.line(/ahead/);
    await letGo(holder);
    assert.equal((await waiter.end()).code, 0);
    assert.equal(waiter.stdout, "my turn\n");
    assert.match(
      waiter.stderr,
      /^etcdlocker: waiting, 1 ahead: web1 since \d\d:\d\d:\d\d \(pid \d+ on \S+: sh -c 'echo ready; read line'\)\n$/,
    );
  });

  it("ends after --wait, with the exit code for a conflict, and nothing of it is left", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name);
    const { code, stdout, stderr } = await runEtcdlocker(endpoints, ["-k", name, "-w", "300ms", "-E75", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 75, stdout: "" });
    assert.match(stderr, /^etcdlocker: lock .* was not to be had within 300 ms: held by web1/m);
    assert.equal((await listKeys(etcd, name)).length, 2);
    await letGo(holder);
  });

  it("is not done with --no-wait: the code is 1, and who has the lock is said", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name);
    const { code, stdout, stderr } = await runEtcdlocker(endpoints, ["-k", name, "--no-wait", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.match(stderr, /^etcdlocker: the lock is held by web1 since .* \(pid \d+ on .*\)\n$/);
    await letGo(holder);
  });

  it("is skipped in silence with --no-wait -E 0", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name);
    const skipped = await runEtcdlocker(endpoints, ["-k", name, "--no-wait", "-E", "0", "echo", "ran"]);
    assert.deepEqual(skipped, { code: 0, stdout: "", stderr: "" });
    await letGo(holder);
  });

  it("is not needed when the lock is free, with --no-wait or without time to wait", async () => {
    for (const words of [["--no-wait"], ["-w", "0"], ["-w", "1ms"]]) {
      const run = await runEtcdlocker(endpoints, ["-k", newName(), ...words, "-E9", "echo", "ran"]);
      assert.deepEqual(run, { code: 0, stdout: "ran\n", stderr: "" });
    }
  });

  it("does not take etcd's silence for a conflict", async () => {
    const { code, stderr } = await runEtcdlocker(["127.0.0.1:9"], ["-k", newName(), "-w", "1s", "-E", "0", "true"]);
    assert.equal(code, 1);
    assert.match(stderr, /127\.0\.0\.1:9/);
  });
});

describe("a lock for several", { concurrency: true }, () => {
  it("is shared by readers, and a writer waits for all of them", async () => {
    const name = newName();
    const readers = [await startHolder(endpoints, name, "--shared"), await startHolder(endpoints, name, "--shared")];
    await using writer = startEtcdlocker(endpoints, ["-k", name, "echo", "alone"]);
    await writer.line(/2 ahead/);
    for (const reader of readers) await letGo(reader);
    await writer.line(/alone/);
    assert.equal((await writer.end()).code, 0);
  });

  it("is held by as many as there are permits", async () => {
    const name = newName();
    const holders = [await startHolder(endpoints, name, "-p2"), await startHolder(endpoints, name, "--permits", "2")];
    const third = await runEtcdlocker(endpoints, ["-k", name, "-p2", "--no-wait", "-E9", "true"]);
    assert.equal(third.code, 9);
    for (const holder of holders) await letGo(holder);
  });
});

describe("several locks", { concurrency: true }, () => {
  it("are taken in one step, and the command knows the token of each", async () => {
    const names = [newName(), newName()];
    const words = names.flatMap((name) => ["-k", name]);
    const script = 'echo "$ETCDLOCKER_KEY $ETCDLOCKER_FENCING_TOKEN"; echo "$ETCDLOCKER_FENCING_TOKENS"';
    const { code, stdout } = await runEtcdlocker(endpoints, [...words, "sh", "-c", script]);
    assert.equal(code, 0);
    const [first = "", all = ""] = stdout.split("\n");
    const tokens: Record<string, string> = JSON.parse(all);
    assert.deepEqual(Object.keys(tokens), names);
    assert.equal(first, `${names[0]} ${tokens[names[0] ?? ""]}`);
  });

  it("are held all or none, and it is said which one is missing", async () => {
    const [free, taken] = [newName(), newName()];
    await using holder = await startHolder(endpoints, taken);
    const { code, stderr } = await runEtcdlocker(endpoints, ["-k", free, "-k", taken, "--no-wait", "-E9", "true"]);
    assert.equal(code, 9);
    assert.match(stderr, new RegExp(`^etcdlocker: the lock ${taken} is held by web1 `));
    assert.deepEqual(await listKeys(etcd, `${free}/`), []);
    await using waiter = startEtcdlocker(endpoints, ["-k", free, "-k", taken, "echo", "both"]);
    await waiter.line(new RegExp(`waiting for ${taken}, 1 ahead: web1`));
    await letGo(holder);
    assert.equal((await waiter.end()).code, 0);
  });

  it("asked for crosswise do not block each other", async () => {
    const [a, b] = [newName(), newName()];
    const runs = Array.from({ length: 4 }, (_, index) => {
      const names = index % 2 === 0 ? ["-k", a, "-k", b] : ["-k", b, "-k", a];
      return runEtcdlocker(endpoints, [...names, "true"]);
    });
    assert.deepEqual(
      (await Promise.all(runs)).map(({ code }) => code),
      [0, 0, 0, 0],
    );
  });
});

describe("messages in JSON", () => {
  it("are one object a line, whatever others wrote", async () => {
    const name = newName();
    await using holder = startEtcdlocker(endpoints, [
      "-k",
      name,
      "-i",
      "web\u001b[31m\u202e",
      "sh",
      "-c",
      "echo ready; read line",
    ]);
    await holder.line(/ready/);
    await using waiter = startEtcdlocker(endpoints, ["--json-log", "-v", "-k", name, "-i", "me", "true"]);
    await waiter.line(/ahead/);
    await letGo(holder);
    await waiter.end();
    const messages = waiter.stderr
      .trim()
      .split("\n")
      .map((line): Record<string, unknown> => JSON.parse(line));
    assert.match(waiter.stderr, /^[\x20-\x7e\n]*$/);
    for (const { time, names, id, pid } of messages) {
      assert.equal(new Date(String(time)).toISOString(), time);
      assert.deepEqual({ names, id, pid }, { names: [name], id: "me", pid: waiter.pid });
    }
    const waiting = messages.find(({ message }) => /1 ahead/.test(String(message)));
    assert.equal(waiting?.level, "info");
    assert.ok(String(waiting?.message).includes("web\u001b[31m\u202e"));
    assert.ok(messages.some(({ level }) => level === "debug"));
  });
});
