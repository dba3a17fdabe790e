import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveAcquire } from "#dist/acquire-options.js";
import { Lock, LockManager } from "#dist/index.js";
import { resolveSettings } from "#dist/lock-manager-options.js";
import { etcdOfFile } from "../support/lock-setting.ts";

const setUp = etcdOfFile();
const nobody = "127.0.0.1:1";

type Arguments = readonly [etcd: unknown, key?: unknown, id?: unknown, ttl?: unknown];

/** As JavaScript calls it, without a compiler to object. */
function construct(...words: Arguments): Lock {
  return Reflect.construct(Lock, words) as Lock;
}

/** Arguments, the error, and what its message must say: the argument, what came, what is allowed. */
const refused: readonly (readonly [string, Arguments, typeof TypeError, readonly RegExp[]])[] = [
  ["no etcd", [undefined, "k", "i"], TypeError, [/^etcd/, /got undefined/, /host:port/]],
  ["a number for etcd", [2379, "k", "i"], TypeError, [/^etcd/, /got 2379/, /host:port/]],
  ["an empty list of addresses", [[], "k", "i"], TypeError, [/etcd/, /empty array/, /host:port/]],
  ["an empty address", ["", "k", "i"], TypeError, [/etcd endpoint/, /got ""/, /host:port/]],
  ["options without endpoints", [{}, "k", "i"], TypeError, [/^etcd/, /got an object with nothing in it/, /endpoints/]],
  ["an address with a path", ["http://h:1/x", "k", "i"], TypeError, [/endpoint/, /got "http:\/\/h:1\/x"/]],
  ["TLS for some endpoints", ["https://h:1,http://i:1", "k", "i"], TypeError, [/http:\/\/ endpoints, without TLS/]],
  [
    "a file that is not there",
    [{ endpoints: "h", tls: { ca: "/no/ca" } }, "k", "i"],
    TypeError,
    [/tls\.ca/, /no such/],
  ],
  ["a user without a name", [{ endpoints: "h:1", user: {} }, "k", "i"], TypeError, [/user\.name/, /undefined/]],
  ["no key", [nobody, undefined, "i"], TypeError, [/^key/, /got undefined/, /not empty/]],
  ["an empty key", [nobody, "", "i"], TypeError, [/^key/, /got ""/, /not empty/]],
  ["a number for a key", [nobody, 7, "i"], TypeError, [/^key/, /got 7/, /string/]],
  ["a key that is far too long", [nobody, "k".repeat(5_000), "i"], RangeError, [/^key/, /5000/, /at most 4096/]],
  ["no id", [nobody, "k"], TypeError, [/^id/, /got undefined/, /not empty/]],
  ["an empty id", [nobody, "k", ""], TypeError, [/^id/, /got ""/, /not empty/]],
  ["a word for a ttl", [nobody, "k", "i", "5"], TypeError, [/^ttl/, /got "5"/, /number of seconds/]],
  ["null for a ttl", [nobody, "k", "i", null], TypeError, [/^ttl/, /got null/, /number of seconds/]],
  ...[0, -1, 0.5, 1.5, 1_000_001, Number.NaN, Number.POSITIVE_INFINITY].map(
    (ttl) =>
      [
        `a ttl of ${ttl}`,
        [nobody, "k", "i", ttl],
        RangeError,
        [/^ttl/, new RegExp(`got ${ttl}$`), /from 1 to 1000000/],
      ] as const,
  ),
];

describe("the constructor", () => {
  for (const [what, words, kind, parts] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => construct(...words),
        (error) => {
          assert.ok(error instanceof kind);
          for (const part of parts) assert.match(error.message, part);
          return true;
        },
      );
    });
  }

  it("refuses client objects that it cannot use, and says so", () => {
    const nodeEtcd = { watcher: () => undefined, compareAndDelete: () => undefined };
    const etcd3 = { kv: {}, leaseClient: {} };
    assert.throws(() => construct(nodeEtcd, "k", "i"), /node-etcd client without a list of hosts/);
    assert.throws(() => construct(etcd3, "k", "i"), /Etcd3 client of a kind that is not known/);
  });

  it("takes an address in every form, the limits of the ttl, and 60 s when there is none", () => {
    for (const etcd of [
      ...["h", "h:1", "h:1,g:2", "http://h:1", "[::1]:2379", "127.0.0.1", "http://[::1]:1"],
      ...[["h:1", "g:2"], ["h:1,g:2"], { endpoints: "h:1" }, { endpoints: ["h:1"] }],
    ]) {
      assert.equal(new Lock(etcd, "k", "i").ttl, 60);
    }
    assert.deepEqual(
      [1, 1_000_000].map((ttl) => new Lock(nobody, "k", "i", ttl).ttl),
      [1, 1_000_000],
    );
  });
});

describe("the options of a lock", () => {
  it("are refused when set to what they cannot be", () => {
    const lock = new Lock(nobody, "k", "i");
    assert.throws(() => Reflect.set(lock, "ttl", 0), /^RangeError: ttl .* from 1 to 1000000; got 0$/);
    assert.throws(() => Reflect.set(lock, "ttl", "60"), /^TypeError: ttl .*; got "60"$/);
    for (const interval of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => Reflect.set(lock, "refreshInterval", interval),
        /^RangeError: refreshInterval .*milliseconds/,
      );
    }
    assert.throws(() => Reflect.set(lock, "refreshInterval", "100"), /^TypeError: refreshInterval .*; got "100"$/);
    assert.deepEqual([lock.ttl, lock.refreshInterval], [60, 30_000]);
  });

  it("has a refresh interval of half the ttl, also when that changes, unless the interval was set", () => {
    const lock = new Lock(nobody, "k", "i", 10);
    assert.equal(lock.refreshInterval, 5_000);
    lock.ttl = 30;
    assert.equal(lock.refreshInterval, 15_000);
    lock.refreshInterval = 2_000;
    lock.ttl = 60;
    assert.equal(lock.refreshInterval, 2_000);
  });

  it("are checked against each other by lock(), whichever was set first, and nothing is taken", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    lock.refreshInterval = 10_000;
    lock.ttl = 10;
    await assert.rejects(
      lock.lock(),
      /^RangeError: refreshInterval .* less than the ttl \(10 s = 10000 ms\).*got 10000$/,
    );
    assert.equal(lock.held, false);
    lock.refreshInterval = 9_999;
    await lock.lock();
    lock.ttl = 9;
    await assert.rejects(lock.lock(), RangeError);
    assert.equal(lock.held, true);
  });

  it("of lock() are refused when they are of another kind", async () => {
    const lock = new Lock(nobody, "k", "i");
    const call = (options: unknown): Promise<unknown> => Reflect.apply(lock.lock, lock, [options]) as Promise<unknown>;
    await assert.rejects(call({ signal: {} }), /^TypeError: signal must be an AbortSignal; got \{\}$/);
    await assert.rejects(call({ timeout: "5" }), /^TypeError: timeout .*milliseconds; got "5"$/);
    for (const timeout of [-1, Number.NaN, 2 ** 31]) {
      await assert.rejects(call({ timeout }), /^RangeError: timeout must be from 0 to .*got/);
    }
  });
});

describe("a manager", () => {
  it("refuses the v2 API, and says what there is instead", () => {
    const nodeEtcd = { watcher: () => undefined, compareAndDelete: () => undefined, hosts: ["http://h:1"] };
    const make = (options: unknown): LockManager => Reflect.construct(LockManager, [options]) as LockManager;
    assert.throws(
      () => make({ endpoints: nobody, api: 2 }),
      /^TypeError: a LockManager needs etcd's v3 API.*class Lock/,
    );
    assert.throws(() => make(nodeEtcd), /^TypeError: .*node-etcd.*class Lock takes it; a LockManager needs the v3 API/);
  });

  it("waits for etcd without limit when it is told to", () => {
    assert.equal(
      resolveSettings({ connectTimeout: Number.POSITIVE_INFINITY }).connectTimeoutMs,
      Number.POSITIVE_INFINITY,
    );
    const defaults = resolveSettings({ connectTimeout: 3_000 });
    const { connectTimeoutMs } = resolveAcquire({ connectTimeout: Number.POSITIVE_INFINITY }, defaults);
    assert.equal(connectTimeoutMs, Number.POSITIVE_INFINITY);
    assert.equal(resolveAcquire({}, defaults).connectTimeoutMs, 3_000);
  });

  it("refuses what is of another kind than it takes, and says what came", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager({ ttl: 5 });
    const lock = await manager.acquire(setting.key);
    const ask = (of: object, method: string, ...words: unknown[]): Promise<unknown> =>
      (async () => await Reflect.apply(Reflect.get(of, method), of, words))();
    for (const [call, message] of [
      [ask(manager, "acquire", "n", null), /options must be an object; got null/],
      [ask(manager, "acquire", "n", 5_000), /options must be an object; got 5000/],
      [ask(manager, "acquire", "n", { onWaiting: 5 }), /onWaiting must be a function; got 5/],
      [ask(manager, "elect", "n"), /options must be an object; got undefined/],
      [ask(manager, "elect", "n", { value: 5 }), /value must be a string; got 5/],
      [ask(manager, "breakLock", "n"), /options must be an object; got undefined/],
      [ask(manager, "breakLock", "n", { fencingToken: 5 }), /fencingToken must be a bigint; got 5/],
      [ask(manager, "list"), /prefix must be a string; got undefined/],
      [ask(setting.lock(), "lock", null), /options must be an object; got null/],
      [ask(lock, "put", "", "x"), /key must be a string that is not empty; got ""/],
      [ask(lock, "put", "k", 5), /value must be a string; got 5/],
      [ask(lock, "transact"), /what to do while the lock is held must be an object; got undefined/],
      [ask(lock, "transact", { success: [] }), /compare must be an array; got undefined/],
      [ask(lock, "transact", { compare: [], success: [{ kind: "get", key: "k" }] }), /kind must be one of .*got "get"/],
      [
        ask(lock, "transact", { compare: [{ key: "k", of: "value", is: "equal", to: 1n }], success: [] }),
        /of must be one/,
      ],
      [
        ask(lock, "transact", { compare: [{ key: "k", of: "lease", is: "equal", to: 1 }], success: [] }),
        /to must be a bi/,
      ],
    ] as const) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, message);
        return true;
      });
    }
    assert.throws(() => Reflect.construct(LockManager, [{ endpoints: nobody }, null]), /^TypeError: options must be/);
    await lock.verify();
    await lock.release();
  });

  it("refuses options and names that cannot be, and names them", async () => {
    const make = (options: unknown): LockManager => Reflect.construct(LockManager, [options]) as LockManager;
    assert.throws(() => make({ endpoints: nobody, ttl: 0 }), /^RangeError: ttl/);
    assert.throws(() => make({ endpoints: nobody, id: "" }), /^TypeError: id/);
    assert.throws(() => make({ endpoints: nobody, ttl: 5, refreshInterval: 5_000 }), /^RangeError: refreshInterval/);
    assert.throws(() => make({ endpoints: nobody, connectTimeout: -1 }), /^RangeError: connectTimeout/);
    assert.throws(() => make(undefined), /^TypeError/);
    const manager = make({ endpoints: nobody });
    await assert.rejects(manager.acquire("n", { ttl: 0 }), /^RangeError: ttl/);
    await assert.rejects(manager.acquire("n", { timeout: -1 }), /^RangeError: timeout/);
    await assert.rejects(manager.acquire("n", { metadata: { text: "x".repeat(10_000) } }), /^RangeError: metadata/);
    await assert.rejects(
      Reflect.apply(manager.acquire, manager, [7]) as Promise<unknown>,
      /^TypeError: name .*; got 7$/,
    );
    await manager.close();
  });
});
