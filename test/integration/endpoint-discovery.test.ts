import assert from "node:assert/strict";
import dns from "node:dns";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdUnavailableError } from "#dist/index.js";
import { findFreePorts } from "#dist/testing/free-ports.js";
import { startEtcd } from "#dist/testing/index.js";
import { DnsServer } from "../support/dns-server.ts";
import { untilSuccess, within } from "../support/eventually.ts";
import { etcdOfFile, etcdOfTest } from "../support/lock-setting.ts";
import { tlsOf } from "../support/secured.ts";

const inCluster = etcdOfFile();

let server: DnsServer;
const servers = dns.getServers();

before(async () => {
  server = await DnsServer.start();
  dns.setServers([server.address]);
});

after(async () => {
  dns.setServers(servers);
  await server.close();
});

function portOf(endpoint: string): number {
  return Number(endpoint.split(":").at(-1));
}

/** A call fails because etcd was not found, and says so like this. */
async function assertNotFound(call: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof EtcdUnavailableError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

describe("etcd is found by DNS", { concurrency: true }, () => {
  it("at the hosts and ports of its SRV records, those with the smaller priority first", async (t) => {
    const setting = inCluster(t);
    const proxies = [await setting.proxy(), await setting.proxy()];
    const [first = 0, second = 0] = proxies.map(({ endpoint }) => portOf(endpoint));
    server.records.set("_etcd-client._tcp.plain.example", [
      { target: "localhost", port: first, priority: 2 },
      { target: "localhost", port: second, priority: 1 },
    ]);
    const manager = setting.manager({ endpoints: undefined, discoverySrv: "plain.example" });
    const held = await manager.acquire(setting.key);
    assert.deepEqual(
      proxies.map(({ accepted }) => accepted > 0),
      [false, true],
    );
    proxies[1]?.cut();
    await untilSuccess("it is renewed", () => held.renew());
    await held.release();
    assert.ok((proxies[0]?.accepted ?? 0) > 0);
  });

  it("elsewhere, when it has moved: a held lock goes on being held", async (t) => {
    const setting = inCluster(t);
    const [before, after] = [await setting.proxy(), await setting.proxy()];
    const name = "_etcd-client._tcp.moving.example";
    server.records.set(name, [{ target: "localhost", port: portOf(before.endpoint) }]);
    const manager = setting.manager({ endpoints: undefined, discoverySrv: "moving.example", ttl: 30 });
    const held = await manager.acquire(setting.key);
    server.records.set(name, [{ target: "localhost", port: portOf(after.endpoint) }]);
    before.cut();
    await untilSuccess("the lock is verified at the new place", () => held.verify());
    await held.release();
    assert.ok(after.accepted > 0);
  });

  it("in time, when the records appear while a call waits for etcd", async (t) => {
    const setting = inCluster(t);
    const manager = setting.manager({ endpoints: undefined, discoverySrv: "late.example", connectTimeout: 60_000 });
    const acquired = manager.acquire(setting.key);
    await delay(500);
    server.records.set("_etcd-client._tcp.late.example", [
      { target: "localhost", port: portOf(setting.member.endpoint) },
    ]);
    await (await within(30_000, "the lock", acquired)).release();
  });

  it("or not: then it is said what was looked for", async (t) => {
    const setting = inCluster(t);
    const manager = setting.manager({ endpoints: undefined, discoverySrv: "none.example", connectTimeout: 500 });
    await assertNotFound(
      manager.acquire(setting.key),
      /no SRV records of _etcd-client\._tcp\.none\.example \(ENOTFOUND\)/,
    );
  });
});

describe("etcd with TLS is found by DNS", () => {
  it("by records of its own; at hosts of the domain, unless a server name says otherwise", async (t) => {
    const setting = await etcdOfTest(t, { tls: true });
    const tls = tlsOf(setting.cluster);
    const port = portOf(setting.member.endpoint);
    const find = (discoverySrv: string, more: object = {}) =>
      setting.manager({ endpoints: undefined, discoverySrv, connectTimeout: 1_500, tls: { ...tls, ...more } });

    server.records.set("_etcd-client._tcp.mixed.example", [{ target: "localhost", port }]);
    await assertNotFound(
      find("mixed.example").acquire(setting.key),
      /no SRV records of _etcd-client-ssl\._tcp\.mixed\.example/,
    );

    server.records.set("_etcd-client-ssl._tcp.mixed.example", [{ target: "localhost", port }]);
    const stranger = /name localhost, outside of mixed\.example: set tls\.serverName/;
    await assertNotFound(find("mixed.example").acquire(setting.key), stranger);
    await (await find("mixed.example", { serverName: "localhost" }).acquire(setting.key)).release();
  });
});

describe("etcd that is started later", () => {
  it("is waited for as long as was asked", async (t) => {
    const setting = inCluster(t);
    const [port = 0] = await findFreePorts(1);
    const endpoints = `127.0.0.1:${port}`;
    const patient = setting.manager({ endpoints, connectTimeout: Number.POSITIVE_INFINITY });
    const acquired = patient.acquire(setting.key);
    await assertNotFound(setting.manager({ endpoints, connectTimeout: 500 }).acquire(setting.key), /ECONNREFUSED/);
    const late = await startEtcd({ ports: [port] });
    setting.onEnd(() => late.stop());
    const held = await within(30_000, "the lock", acquired);
    await held.release();
    await patient.close();
  });
});
