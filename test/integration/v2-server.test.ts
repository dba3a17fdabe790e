import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Lock } from "#dist/index.js";

/** A lock on a server that is not etcd, or not as it should be. */
async function lockOn(t: TestContext, listener: RequestListener): Promise<Lock> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new Lock({ endpoints: `127.0.0.1:${port}`, api: 2 }, "/k", "i", 5);
}

/** Has one key, which is ours, and answers each watch with a status and nothing else. */
function unwatchable(statusCode: number, onWatch: () => void): RequestListener {
  return ({ method, url }, response) => {
    if (url?.includes("wait=true") === true) {
      onWatch();
      response.writeHead(statusCode).end();
    } else {
      response.writeHead(200, { "x-etcd-index": "8" }).end(JSON.stringify(method === "GET" ? absent : present));
    }
  };
}

const absent = { errorCode: 100, message: "Key not found", index: 6 };
const present = { action: "update", node: { key: "/k", value: "i", createdIndex: 7, modifiedIndex: 8, ttl: 5 } };

const answers: readonly (readonly [string, number, string, RegExp])[] = [
  [
    "asks for a user",
    401,
    '{"errorCode":110,"message":"Insufficient credentials","cause":"c","index":0}',
    /^EtcdRefusedError: .*Insufficient credentials/,
  ],
  [
    "has no leader",
    500,
    '{"errorCode":300,"message":"Raft Internal Error","cause":"no leader","index":0}',
    /^EtcdUnavailableError: .*Raft Internal Error/,
  ],
  ["is another program", 200, "<html></html>", /^EtcdRefusedError: .*HTTP status 200/],
  ["answers null", 200, "null", /^EtcdRefusedError/],
  [
    "gives numbers that are none",
    200,
    '{"action":"get","node":{"value":"x","createdIndex":"7","modifiedIndex":8}}',
    /^EtcdUnavailableError: .*none of etcd's v2 API/,
  ],
];

describe("a server of the v2 API", { concurrency: true }, () => {
  it("whose answer does not end is told of, before it fills the memory", async (t) => {
    const lock = await lockOn(t, (_request, response) => {
      const more = (): void => {
        while (response.write("x".repeat(1024 * 1024)));
      };
      response.on("drain", more);
      more();
    });
    await assert.rejects(
      lock.lock({ timeout: 20_000 }),
      /^EtcdRefusedError: .*too long: at most 16777216 characters are read/,
    );
  });
  for (const [what, statusCode, body, message] of answers) {
    it(`that ${what} is told of`, async (t) => {
      const lock = await lockOn(t, (_request, response) => {
        response.writeHead(statusCode, { "x-etcd-index": "9" }).end(body);
      });
      await assert.rejects(lock.lock({ timeout: 2_000 }), message);
    });
  }

  for (const statusCode of [200, 503]) {
    it(`before which something answers each watch with ${statusCode} and nothing is not asked without a pause`, async (t) => {
      const onWatch = t.mock.fn();
      const lock = await lockOn(t, unwatchable(statusCode, onWatch));
      await lock.lock({ timeout: 20_000 });
      await delay(1_500);
      await lock.unlock();
      const watches = onWatch.mock.callCount();
      assert.ok(watches > 0 && watches < 100, `${watches} in 1.5 s`);
    });
  }
});
