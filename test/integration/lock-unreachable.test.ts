import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdUnavailableError, Lock, LockManager } from "#dist/index.js";
import { eventually, within } from "../support/eventually.ts";
import { answerRaw, type Behaviour, startHostileEtcd } from "../support/hostile-etcd.ts";
import { assertNothingLeft } from "../support/leftovers.ts";
import { etcdOfFile, etcdOfTest, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { readKeys } from "../support/stored-line.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";

const setUp = etcdOfFile();

/** A server that answers everybody with `answer`; with its address. */
async function serve(setting: LockSetting, answer: string): Promise<string> {
  const server = createServer((socket) => socket.on("error", () => undefined).end(answer));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  setting.onEnd(async () => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What answers requests of HTTP/2, and is no etcd; with its address. */
async function pretend(setting: LockSetting, behaviour: Behaviour): Promise<string> {
  const server = await startHostileEtcd(behaviour);
  setting.onEnd(() => server.close());
  return server.endpoint;
}

/** What a web server says to a request, whatever it is. */
function page(code: number): Behaviour {
  return (stream) => {
    stream.respond({ ":status": code, "content-type": "text/plain" });
    stream.end("no");
  };
}

const knowsNothing: Behaviour = (stream) =>
  answerRaw(stream, Buffer.alloc(0), "12", "unknown service etcdserverpb.Lease");

/** What does not speak for etcd, though it can be spoken to, and what is said of it. */
const pretenders: readonly (readonly [string, Behaviour, RegExp])[] = [
  ...[200, 401, 403, 404, 429, 500].map(
    (code) =>
      [
        `a web server answers with ${code}`,
        page(code),
        new RegExp(`no gRPC is spoken there: HTTP status ${code},`),
      ] as const,
  ),
  ["another gRPC server answers", knowsNothing, /unknown service etcdserverpb\.Lease/],
  ["requests are turned down for their number", (stream) => stream.close(11), /broken off \(HTTP\/2 code 11\)/],
];

async function cutProxy(setting: LockSetting): Promise<TcpProxy> {
  const proxy = await setting.proxy();
  proxy.cut();
  return proxy;
}

async function silentProxy(setting: LockSetting): Promise<TcpProxy> {
  const proxy = await setting.proxy();
  proxy.hold();
  return proxy;
}

/** Whoever cannot be etcd, and what of the failure must be said besides the address. */
const strangers: readonly (readonly [string, (setting: LockSetting) => Promise<string>, RegExp])[] = [
  ["nobody listens", async (setting) => (await cutProxy(setting)).endpoint, /ECONNREFUSED/],
  [
    "nobody answers",
    async (setting) => (await silentProxy(setting)).endpoint,
    /no answer within \d+ ms|did not answer/,
  ],
  ["a web server answers", (setting) => serve(setting, "HTTP/1.1 400 Bad Request\r\n\r\n"), /./],
  ["the connection is closed at once", (setting) => serve(setting, ""), /./],
  ...pretenders.map(
    ([what, behaviour, words]) =>
      [what, (setting: LockSetting): Promise<string> => pretend(setting, behaviour), words] as const,
  ),
  ["the name is unknown", async () => "no-such-host.invalid:2379", /no-such-host\.invalid/],
];

describe("lock() rejects", { concurrency: true }, () => {
  it("within 10 s by default, naming each address and how it failed", async (t) => {
    const setting = setUp(t);
    const addresses = await Promise.all(strangers.map(([, address]) => address(setting)));
    const lock = setting.lock({ etcd: addresses });
    const startedAt = performance.now();
    await assert.rejects(lock.lock(), (error) => {
      assert.ok(error instanceof EtcdUnavailableError);
      assert.equal(error.code, "ETCD_UNAVAILABLE");
      assert.deepEqual(new Set(error.failures.map(({ endpoint }) => endpoint)), new Set(addresses));
      for (const [index, [, , words]] of strangers.entries()) {
        const { message } = error.failures.find(({ endpoint }) => endpoint === addresses[index]) ?? { message: "" };
        assert.match(message, words);
        assert.ok(error.message.includes(`${addresses[index]}: ${message}`), error.message);
      }
      return true;
    });
    const elapsedMs = performance.now() - startedAt;
    assert.ok(elapsedMs > 5_000 && elapsedMs < 11_000, `it took ${elapsedMs} ms`);
    assert.equal(lock.held, false);
  });

  for (const [what, address, words] of strangers) {
    it(`when ${what}, after the time that was set`, async (t) => {
      const setting = setUp(t);
      const endpoint = await address(setting);
      const manager = setting.manager({ endpoints: endpoint, connectTimeout: 1_500 });
      const startedAt = performance.now();
      await assert.rejects(manager.acquire(setting.key), (error) => {
        assert.ok(error instanceof EtcdUnavailableError);
        assert.deepEqual(
          error.failures.map((failure) => failure.endpoint),
          [endpoint],
        );
        assert.match(error.failures[0]?.message ?? "", words);
        return true;
      });
      assert.ok(performance.now() - startedAt < 3_000);
    });
  }

  it("after a second, not ten, when its own time limit is short, and says that etcd did not answer", async (t) => {
    const setting = setUp(t);
    const { endpoint } = await silentProxy(setting);
    const wait = setting.lock({ etcd: endpoint }).lock({ timeout: 200 });
    await within(5_000, "the end", assert.rejects(wait, { code: "ETCD_UNAVAILABLE" }));
  });

  it("at once when its signal says so", async (t) => {
    const setting = setUp(t);
    const { endpoint } = await silentProxy(setting);
    const controller = new AbortController();
    const ended = assert.rejects(setting.lock({ etcd: endpoint }).lock({ signal: controller.signal }), /enough/);
    setTimeout(() => controller.abort(new Error("enough")), 100);
    await within(1_000, "the end", ended);
  });
});

describe("when etcd becomes reachable", { concurrency: true }, () => {
  it("in time, the lock is taken", async (t) => {
    const setting = setUp(t);
    for (const proxy of [await cutProxy(setting), await silentProxy(setting)]) {
      const lock = setting.lock({ etcd: proxy.endpoint });
      const taken = lock.lock();
      setTimeout(() => proxy.resume(), 1_500);
      await taken;
      assert.equal(lock.held, true);
      await lock.unlock();
    }
  });

  it("after lock() has rejected, the lock can be taken, with the same object", async (t) => {
    const setting = setUp(t);
    const proxy = await cutProxy(setting);
    const manager = setting.manager({ endpoints: proxy.endpoint, connectTimeout: 1_500 });
    await assert.rejects(manager.acquire(setting.key), EtcdUnavailableError);
    await proxy.resume();
    const held = await manager.acquire(setting.key);
    assert.equal(held.held, true);
  });

  it("one good address of several is enough, whatever the others do", async (t) => {
    const setting = setUp(t);
    const bad = await Promise.all([cutProxy(setting), silentProxy(setting)]);
    const endpoints = [...bad.map(({ endpoint }) => endpoint), setting.member.endpoint];
    const lock = setting.lock({ etcd: endpoints });
    await within(3_000, "the lock", lock.lock());
    assert.equal(lock.held, true);
  });

  for (const [what, behaviour] of pretenders) {
    it(`where ${what} is passed over by who takes a lock`, async (t) => {
      const setting = setUp(t);
      const endpoints = [await pretend(setting, behaviour), setting.member.endpoint];
      const held = await within(3_000, "the lock", setting.manager({ endpoints }).acquire(setting.key));
      assert.equal(await held.release(), true);
    });

    it(`where ${what} is passed over by who waits, while the others are away`, async (t) => {
      const setting = setUp(t);
      const asked = new Set<string>();
      const endpoint = await pretend(setting, (stream, path) => {
        asked.add(path);
        behaviour(stream, path);
      });
      const proxy = await setting.proxy();
      const holder = await setting.heldElsewhere();
      const manager = setting.manager({ endpoints: [proxy.endpoint, endpoint], ttl: 60 });
      const waiting = manager.acquire(setting.key);
      await isWaiting(manager);
      proxy.cut();
      // A waiter that is next reads the line every 2 s.
      await eventually(
        "it is asked for the line",
        () => asked,
        (paths) => paths.has("/etcdserverpb.KV/Txn"),
      );
      await proxy.resume();
      await holder.release();
      const held = await within(5_000, "the turn", waiting);
      assert.equal(await held.release(), true);
    });
  }
});

describe("nothing is left behind", { concurrency: true }, () => {
  it("when the answer to entering an empty line is lost: the next one enters at once, when etcd is reached again", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, connectTimeout: 4_000 });
    // The session is there, so that what is lost is the answer to entering the line.
    const other = await manager.acquire(`${setting.key}other`);
    proxy.dropAnswers();
    await assert.rejects(manager.acquire(setting.key), EtcdUnavailableError);
    assert.equal((await readKeys(setting.cluster, setting.key)).length, 4);
    await proxy.resume();
    await setting.lineLength(0);
    assert.deepEqual((await readKeys(setting.cluster, setting.key)).length, 2);
    assert.equal(other.held, true);
  });

  it("when the answer to entering a line behind somebody is lost", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, connectTimeout: 1_500 });
    await manager.acquire(`${setting.key}other`);
    proxy.dropAnswers();
    await assert.rejects(manager.acquire(setting.key), EtcdUnavailableError);
    await setting.lineLength(2);
    await proxy.resume();
    await setting.lineLength(1);
    await holder.release();
    await setting.lineLength(0);
  });

  it("when the request itself arrives only after we gave up", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, connectTimeout: 1_500 });
    const other = await manager.acquire(`${setting.key}other`);
    proxy.hold();
    await assert.rejects(manager.acquire(setting.key), EtcdUnavailableError);
    // What was sent goes on its way now, and is carried out.
    await proxy.resume();
    await setting.lineLength(0);
    const next = await within(2_000, "the lock, for somebody else", setting.manager().acquire(setting.key));
    assert.deepEqual([other.held, next.held], [true, true]);
  });

  it("when the wait is aborted, and its request arrives only after the line has been left on another way", async (t) => {
    const setting = setUp(t);
    const [first, second] = [await setting.proxy(), await setting.proxy()];
    const manager = setting.manager({ endpoints: [first.endpoint, second.endpoint] });
    await manager.acquire(`${setting.key}other`);
    const [slow, quick] = first.open > 0 ? [first, second] : [second, first];
    slow.hold();
    const controller = new AbortController();
    const ended = assert.rejects(manager.acquire(setting.key, { signal: controller.signal }), /enough/);
    await eventually(
      "the request is on its way",
      () => slow.open,
      (open) => open > 0,
    );
    await delay(100);
    controller.abort(new Error("enough"));
    await ended;
    assert.ok(quick.accepted > 0);
    await slow.resume();
    const next = await within(3_000, "the lock, for somebody else", setting.manager().acquire(setting.key));
    assert.equal(next.held, true);
    await next.release();
    await setting.lineLength(0);
  });

  it("neither key nor lease, by a process's only lock, whose leases were granted without its knowing", async (t) => {
    const setting = await etcdOfTest(t);
    const proxy = await setting.proxy();
    proxy.dropAnswers();
    const manager = new LockManager({ endpoints: proxy.endpoint, ttl: 2, connectTimeout: 1_000 });
    await assert.rejects(manager.acquire(setting.key), EtcdUnavailableError);
    await proxy.resume();
    await assertNothingLeft(setting.cluster, "", 8_000);
    await manager.close();
  });

  it("by a lock that was never reached, when it is asked to end", async (t) => {
    const setting = setUp(t);
    const { endpoint } = await cutProxy(setting);
    const lock = new Lock(endpoint, setting.key, "nobody", 5);
    const abandoned = assert.rejects(lock.lock(), { code: "LOCK_ABANDONED" });
    await within(6_000, "unlock() to reject", assert.rejects(lock.unlock(), { code: "NOT_HELD" }));
    await abandoned;
  });
});
