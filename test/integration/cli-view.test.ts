import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { etcdlockerPath, letGo, runEtcdlocker, startEtcdlocker, startHolder } from "../support/etcdlocker.ts";
import { startProgram } from "../support/programs.ts";

const etcd = await startEtcdForCrashes();
const { endpoints } = etcd;

/** What `etcdlocker` shows with these words. */
async function show(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runEtcdlocker(endpoints, words);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

describe("the status of a lock", { concurrency: true }, () => {
  it("says that it is free", async () => {
    const name = newName();
    assert.equal(await show("-k", name, "--status"), `${name}: free\n`);
  });

  it("is who holds it and who waits, in order, other clients of etcd too", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name, "-t60");
    await using foreign = startEtcdctlLock(etcd, name);
    await using waiter = startEtcdlocker(endpoints, ["-k", name, "-i", "web2", "true"]);
    await waiter.line(/ahead/);
    const [title, head, ...rows] = (await show("-k", name, "--status")).trimEnd().split("\n");
    assert.equal(title, `${name}: held by 1, 2 waiting`);
    assert.match(head ?? "", /^# {2}STATE +WHO +PID +SINCE +TTL LEFT +TOKEN +COMMAND$/);
    assert.match(
      rows[0] ?? "",
      new RegExp(
        `^1  holding  web1 on \\S+ +${holder.pid}  \\d\\d:\\d\\d:\\d\\d +\\d.* s +\\d+  sh -c 'echo ready; read line'$`,
      ),
    );
    const others = rows.slice(1).join("\n");
    assert.match(others, new RegExp(`^\\d  waiting  another client .*  ${name}/[0-9a-f]+$`, "m"));
    assert.match(others, new RegExp(`^\\d  waiting  web2 on \\S+ +${waiter.pid} .*  true$`, "m"));
    await foreign.release();
    await letGo(holder);
    await waiter.end();
  });

  it("is that of each name, in the order asked for", async () => {
    const [a, b] = [newName(), newName()];
    assert.equal(await show("-k", b, "-k", a, "--status"), `${b}: free\n\n${a}: free\n`);
  });

  it("in JSON has everything, and numbers as etcd has them", async () => {
    const name = newName();
    await using holder = await startHolder(endpoints, name, "-p3");
    const document = JSON.parse(await show("-k", name, "--status", "--json"));
    const [lock] = document.locks;
    assert.deepEqual(Object.keys(document), ["locks"]);
    assert.equal(lock.name, name);
    const { host, since, ttlLeft, fencingToken, createRevision, leaseId, key, ...rest } = lock.entries[0];
    assert.deepEqual(rest, {
      position: 1,
      state: "holding",
      foreign: false,
      id: "web1",
      pid: holder.pid,
      limit: 3,
      ttl: 60,
      metadata: { command: ["sh", "-c", "echo ready; read line"] },
    });
    assert.equal(key, `${name}/${leaseId}`);
    assert.ok(Number(ttlLeft) > 0 && Number(ttlLeft) <= 60 && host !== "");
    assert.equal(new Date(since).toISOString(), since);
    for (const number of [fencingToken, createRevision]) assert.match(number, /^[1-9]\d*$/);
    await letGo(holder);
  });

  it("cannot be had when etcd does not answer, which is said", async () => {
    const { code, stdout, stderr } = await runEtcdlocker(["127.0.0.1:9"], ["-k", "/x", "--status"]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.match(stderr, /^etcdlocker: .*127\.0\.0\.1:9.*\n$/);
  });

  it("is refused for a name that etcd could not take", async () => {
    assert.equal((await runEtcdlocker(endpoints, ["-k", "/k".repeat(4_000), "--status"])).code, 64);
  });
});

describe("the locks under a prefix", { concurrency: true }, () => {
  it("are listed with the first in line", async () => {
    const prefix = newName();
    await using b = await startHolder(endpoints, `${prefix}/b`);
    await using a1 = await startHolder(endpoints, `${prefix}/a`, "--shared");
    await using a2 = await startHolder(endpoints, `${prefix}/a`, "--shared");
    const [head, ...rows] = (await show("--list", prefix)).trimEnd().split("\n");
    assert.match(head ?? "", /^LOCK +HELD +WAITING +FIRST IN LINE +SINCE +COMMAND$/);
    assert.equal(rows.length, 2);
    assert.match(rows[0] ?? "", new RegExp(`^${prefix}/a +2 +0  web1 on \\S+ +\\d\\d:\\d\\d:\\d\\d  sh -c `));
    assert.match(rows[1] ?? "", new RegExp(`^${prefix}/b +1 +0  web1 `));
    const { locks } = JSON.parse(await show(`--list=${prefix}`, "--json"));
    assert.deepEqual(
      locks.map(({ name, entries }: { name: string; entries: unknown[] }) => [name, entries.length]),
      [
        [`${prefix}/a`, 2],
        [`${prefix}/b`, 1],
      ],
    );
    for (const holder of [b, a1, a2]) await letGo(holder);
  });

  it("may be none", async () => {
    assert.equal(await show("--list", "/nobody/here"), 'no locks under "/nobody/here"\n');
    assert.deepEqual(JSON.parse(await show("--list", "/nobody/here", "--json")), { locks: [] });
  });
});

describe("a watched lock, where there is no terminal", { concurrency: true }, () => {
  it("is written again when it has changed, as text and as JSON", async () => {
    const name = newName();
    await using text = startEtcdlocker(endpoints, ["-k", name, "--watch"]);
    await using json = startEtcdlocker(endpoints, ["-k", name, "--watch", "--json"]);
    await Promise.all([text.line(/: free$/), json.line(/"entries":\[\]/)]);
    await using holder = await startHolder(endpoints, name);
    await Promise.all([text.line(/held by 1/), json.line(/"state":"holding"/)]);
    await letGo(holder);
    for (const program of [text, json]) program.signal("SIGINT");
    assert.deepEqual([(await text.end()).code, (await json.end()).code], [0, 0]);
    for (const { text: line } of json.lines) assert.deepEqual(Object.keys(JSON.parse(line)), ["locks"]);
  });

  it("ends by SIGTERM with 143, and without a word when nobody reads any more", async () => {
    await using watcher = startEtcdlocker(endpoints, ["-k", newName(), "--watch"]);
    await watcher.line(/free/);
    watcher.signal("SIGTERM");
    assert.equal((await watcher.end()).code, 143);
    const name = newName();
    const words = [process.execPath, etcdlockerPath, "-e", endpoints.join(","), "-k", name, "--watch"];
    await using pipeline = startProgram("bash", ["-c", 'set -o pipefail; "$0" "$@" | head -1', ...words]);
    await pipeline.line(/free/);
    await using holder = await startHolder(endpoints, name);
    assert.equal((await pipeline.end()).code, 141);
    assert.equal(pipeline.stderr, "");
    await letGo(holder);
  });
});

describe("what cannot be written", { skip: existsSync("/dev/full") ? false : "needs /dev/full" }, () => {
  for (const words of [
    ["--list="],
    ["--list=", "--json"],
    ["--list=", "--watch"],
    ["--version"],
    ["--completions=bash"],
  ]) {
    it(`is said, and gives 1: ${words.join(" ")}`, async () => {
      const all = [process.execPath, etcdlockerPath, "-e", endpoints.join(","), ...words];
      const program = startProgram("bash", ["-c", '"$0" "$@" > /dev/full', ...all]);
      assert.equal((await program.end()).code, 1);
      assert.match(program.stderr, /^etcdlocker: standard output could not be written: ENOSPC.*\n$/);
    });
  }
});

describe("a fencing token", { concurrency: true }, () => {
  it("is verified with 0 while it holds, and with 2 afterwards", async () => {
    const name = newName();
    await using holder = startEtcdlocker(endpoints, [
      "-k",
      name,
      "sh",
      "-c",
      "echo token=$ETCDLOCKER_FENCING_TOKEN; read line",
    ]);
    const { text } = await holder.line(/^token=\d+$/);
    const words = ["-k", name, "--verify", text.slice("token=".length)];
    assert.equal(await show(...words), "");
    await letGo(holder);
    const { code, stdout, stderr } = await runEtcdlocker(endpoints, words);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
    assert.match(stderr, /is not held with the fencing token \d+ any more/);
  });

  it("can be verified by the command itself, between two steps", async () => {
    const script = `"$0" "$1" -k "$ETCDLOCKER_KEY" --verify "$ETCDLOCKER_FENCING_TOKEN" && echo still mine`;
    const words = ["-k", newName(), "sh", "-c", script, process.execPath, etcdlockerPath];
    assert.equal((await runEtcdlocker(endpoints, words)).stdout, "still mine\n");
  });

  it("cannot be verified when etcd does not answer: that is 1, and not 2", async () => {
    assert.equal((await runEtcdlocker(["127.0.0.1:9"], ["-k", "/x", "--verify", "1"])).code, 1);
  });
});
