import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdUnavailableError, type LockManagerOptions, type TlsOptions } from "#dist/index.js";
import { makeCertificates } from "#dist/testing/certificates.js";
import { startEtcd } from "#dist/testing/index.js";
import { eventually, untilSuccess, within } from "../support/eventually.ts";
import { etcdOfFile, etcdOfTest, type LockSetting } from "../support/lock-setting.ts";
import { issueCertificate, tlsOf } from "../support/secured.ts";

const inCluster = etcdOfFile({ tls: true });

async function newFolder(setting: LockSetting): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
  setting.onEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A client's certificate from an authority that nobody here knows. */
async function strangersTls(setting: LockSetting): Promise<Required<Omit<TlsOptions, "serverName">>> {
  const { ca, cert, key } = (await makeCertificates(await newFolder(setting))).client;
  return { ca, cert, key };
}

/** A certificate of `cluster` that has expired by the time it is here. */
async function expiredTls(setting: LockSetting, file: string, side: "client" | "server"): Promise<TlsOptions> {
  const tls = await issueCertificate(setting.cluster, { side, file, days: 0 });
  await delay(2_000);
  return tls;
}

describe("TLS is spoken", { concurrency: true }, () => {
  it("with a certificate of ours, by address and by name, and no warning is given", async (t) => {
    const setting = inCluster(t);
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on("warning", listen);
    t.after(() => process.off("warning", listen));
    const byName = `https://localhost:${setting.member.endpoint.split(":")[1]}`;
    for (const endpoints of [setting.cluster.endpoints, byName, setting.member.endpoint]) {
      const manager = setting.manager({ endpoints, tls: tlsOf(setting.cluster) });
      await (await manager.acquire(setting.key)).release();
    }
    assert.deepEqual(warnings, []);
  });

  it("with files as with what is in them", async (t) => {
    const setting = inCluster(t);
    const { caFile = "", certFile = "", keyFile = "" } = setting.cluster.tls ?? {};
    const lock = setting.lock({
      etcd: { endpoints: setting.cluster.endpoints, tls: { ca: caFile, cert: certFile, key: keyFile } },
    });
    await lock.lock();
    assert.equal(lock.held, true);
    await lock.unlock();
  });
});

/** Who cannot speak TLS with whom, and what is said of it. */
const mismatches: readonly (readonly [
  what: string,
  options: (setting: LockSetting) => Promise<Partial<LockManagerOptions>>,
  message: RegExp,
])[] = [
  [
    "etcd's certificate is from an authority that we don't know",
    async (setting) => ({ tls: { ...tlsOf(setting.cluster), ca: (await strangersTls(setting)).ca } }),
    /not from an authority that we know: is tls\.ca the right one\?/,
  ],
  [
    "no authority is given, and etcd's is not one of the world's",
    async () => ({ tls: true }),
    /not from an authority that we know: is tls\.ca the right one\?/,
  ],
  [
    "etcd's certificate is for another name",
    async ({ cluster }) => ({ tls: { ...tlsOf(cluster), serverName: "etcd.example" } }),
    /for another name: is tls\.serverName needed\? .*etcd\.example/,
  ],
  [
    "etcd wants a certificate, and we show none",
    async ({ cluster: { tls } }) => ({ tls: { ca: tls?.ca ?? "" } }),
    /etcd does not let us in: are tls\.cert and tls\.key what it wants\?/,
  ],
  [
    "our certificate is from an authority that etcd does not know",
    async (setting) => ({ tls: { ...(await strangersTls(setting)), ca: setting.cluster.tls?.ca ?? "" } }),
    /etcd does not let us in: are tls\.cert and tls\.key what it wants\?/,
  ],
  [
    "our certificate has expired",
    async (setting) => ({ tls: await expiredTls(setting, "expired-client", "client") }),
    /etcd does not let us in: are tls\.cert and tls\.key what it wants\?/,
  ],
  [
    "etcd does not speak TLS",
    async (setting) => {
      const plain = await startEtcd();
      setting.onEnd(() => plain.stop());
      return { endpoints: `https://${plain.endpoints[0]}` };
    },
    /no TLS was spoken there: is it http:\/\/\?/,
  ],
  [
    "we do not, and etcd does",
    async ({ member }) => ({ endpoints: `http://${member.endpoint}` }),
    /no HTTP\/2 was spoken there without TLS: is it https:\/\/\?/,
  ],
];

describe("TLS is refused, and it is said why, when", { concurrency: true }, () => {
  for (const [what, options, message] of mismatches) {
    it(what, async (t) => {
      const setting = inCluster(t);
      const manager = setting.manager({ connectTimeout: 3_000, ...(await options(setting)) });
      await assert.rejects(manager.acquire(setting.key), (error) => {
        assert.ok(error instanceof EtcdUnavailableError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it("etcd's certificate has expired", async (t) => {
    const setting = await etcdOfTest(t, { tls: true });
    // etcd reads it anew for each connection.
    await expiredTls(setting, "server", "server");
    const manager = setting.manager({ tls: tlsOf(setting.cluster), connectTimeout: 3_000 });
    await assert.rejects(manager.acquire(setting.key), /etcd's certificate has expired/);
  });
});

describe("files that are replaced are taken up without a restart", { concurrency: true }, () => {
  it("the authority, and our certificate: a call that waits for etcd goes on with them", async (t) => {
    const setting = inCluster(t);
    const folder = await newFolder(setting);
    const good = await issueCertificate(setting.cluster, { side: "client", file: "renewed" });
    const bad = await strangersTls(setting);
    const [ca, cert, key] = [join(folder, "ca"), join(folder, "cert"), join(folder, "key")];
    await Promise.all([writeFile(ca, bad.ca), writeFile(cert, bad.cert), writeFile(key, bad.key)]);
    const manager = setting.manager({ tls: { ca, cert, key }, connectTimeout: 60_000 });
    const acquired = manager.acquire(setting.key);
    await delay(1_000);
    await writeFile(ca, good.ca);
    await delay(500);
    await copyFile(good.cert, cert);
    await delay(500);
    await copyFile(good.key, key);
    const held = await within(20_000, "the lock", acquired);
    await held.release();
  });

  it("while they don't fit together, those from before are used", async (t) => {
    const setting = inCluster(t);
    const folder = await newFolder(setting);
    const good = await issueCertificate(setting.cluster, { side: "client", file: "half" });
    const [cert, key] = [join(folder, "cert"), join(folder, "key")];
    await Promise.all([copyFile(good.cert, cert), copyFile(good.key, key)]);
    const proxy = await setting.proxy();
    const tls = { ca: good.ca, cert, key };
    const held = await setting.manager({ endpoints: proxy.endpoint, tls, ttl: 30 }).acquire(setting.key);
    await writeFile(key, (await strangersTls(setting)).key);
    const { accepted } = proxy;
    proxy.reset();
    await untilSuccess("it is renewed", () => held.renew());
    assert.ok(proxy.accepted > accepted);
    await rm(cert);
    proxy.reset();
    await untilSuccess("it is renewed", () => held.renew());
    await held.release();
  });

  it("etcd's own: a lock is held on while the connection is made anew", async (t) => {
    const setting = await etcdOfTest(t, { tls: true });
    const held = await setting.manager({ tls: tlsOf(setting.cluster), ttl: 30 }).acquire(setting.key);
    await issueCertificate(setting.cluster, { side: "server", file: "server" });
    await setting.member.kill();
    await setting.member.start();
    await untilSuccess("it is renewed", () => held.renew());
    await held.verify();
    await held.release();
  });
});

describe("a client certificate's common name", () => {
  it("is the user, where etcd has users: no password is needed, and its permissions count", async (t) => {
    const setting = await etcdOfTest(t, { tls: true, auth: true });
    const { cluster } = setting;
    await cluster.etcdctl("role", "add", "named");
    await cluster.etcdctl("role", "grant-permission", "--prefix=true", "named", "readwrite", "/test/");
    await cluster.etcdctl("user", "add", "named", "--no-password");
    await cluster.etcdctl("user", "grant-role", "named", "named");
    const tls = await issueCertificate(cluster, { side: "client", file: "named", commonName: "named" });
    const manager = setting.manager({ tls });
    const other = setting.manager({ tls });
    const held = await manager.acquire(setting.key);
    const waiting = other.acquire(setting.key);
    await eventually(
      "somebody waits",
      () => other.inspect(setting.key),
      ({ entries }) => entries.length === 2,
    );
    await held.renew();
    await held.release();
    await (await waiting).release();
    await assert.rejects(manager.acquire("/other"), /permission denied; we need readwrite from "\/other\/"/);
  });
});
