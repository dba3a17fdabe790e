import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findFreePorts } from "#dist/testing/free-ports.js";
import { findEtcd } from "#dist/testing/index.js";
import { untilSuccess, within } from "../support/eventually.ts";
import { etcdOfTest, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { startProgram } from "../support/programs.ts";
import { addUser, issueCertificate, tlsOf } from "../support/secured.ts";

describe("with TLS and users, a lock that is held, and one that is waited for, go on", () => {
  it("while each of three members is restarted with another certificate, and has forgotten who we are", async (t) => {
    const setting = await etcdOfTest(t, { members: 3, tls: true, auth: true });
    const { cluster } = setting;
    const user = await addUser(cluster, "locker", "/test/");
    const [one, other] = [0, 1].map(() => setting.manager({ tls: tlsOf(cluster), user, ttl: 10 }));
    assert.ok(one !== undefined && other !== undefined);
    const held = await one.acquire(setting.key);
    const waiting = other.acquire(setting.key);
    await isWaiting(other);
    await issueCertificate(cluster, { side: "server", file: "server" });
    for (const member of cluster.members) {
      await member.kill();
      await member.start();
      await untilSuccess("it is renewed", () => held.renew());
    }
    assert.equal(held.held, true);
    await held.release();
    const next = await within(10_000, "the turn of who waits", waiting);
    await next.release();
  });

  it("while the member that is talked to hangs", async (t) => {
    const setting = await etcdOfTest(t, { members: 3, tls: true, auth: true });
    const { cluster } = setting;
    const user = await addUser(cluster, "locker", "/test/");
    const manager = setting.manager({ tls: tlsOf(cluster), user, ttl: 10 });
    const held = await manager.acquire(setting.key);
    const leader = await cluster.leader();
    for (const member of cluster.members.filter(({ name }) => name !== leader.name)) {
      member.pause();
      await untilSuccess("it is renewed", () => held.renew());
      // A login, too, goes on to another member.
      const newcomer = setting.manager({ tls: tlsOf(cluster), user, endpoints: [...cluster.endpoints].reverse() });
      await (await newcomer.acquire(`${setting.key}${member.name}`)).release();
      member.resume();
      await untilSuccess("all members are back", () => cluster.etcdctl("endpoint", "health"));
    }
    assert.equal(held.held, true);
    await held.release();
  });
});

/** Has an empty member join the cluster of one. */
async function addMember(setting: LockSetting): Promise<void> {
  const { cluster } = setting;
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
  const [clientPort, peerPort] = await findFreePorts(2);
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
  const { members }: { members: { peerURLs: string[] }[] } = JSON.parse(
    await cluster.etcdctl("member", "list", "--write-out=json"),
  );
  await cluster.etcdctl("member", "add", "joined", `--peer-urls=${peer}`);
  const { etcd } = await findEtcd();
  const program = startProgram(etcd, [
    "--name=joined",
    `--data-dir=${folder}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=member1=${members[0]?.peerURLs[0]},joined=${peer}`,
    "--initial-cluster-state=existing",
    "--log-outputs=stderr",
  ]);
  setting.onEnd(async () => {
    await program.kill();
    await rm(folder, { recursive: true, force: true });
  });
  await program.line(/ready to serve client requests/);
}

/** Takes a member out of the cluster, as soon as that trusts the others. */
async function removeMember({ cluster }: LockSetting, name: string): Promise<void> {
  const line = (await cluster.etcdctl("member", "list")).split("\n").find((text) => text.includes(` ${name},`));
  await untilSuccess("the member is removed", () => cluster.etcdctl("member", "remove", line?.split(",")[0] ?? ""));
}

describe("when all members that were given have been replaced", { concurrency: true }, () => {
  for (const followMembers of [true, false]) {
    it(followMembers ? "a lock is held on, if members are followed" : "etcd is out of reach, if not", async (t) => {
      const setting = await etcdOfTest(t);
      await addMember(setting);
      const manager = setting.manager({ followMembers, ttl: 30, connectTimeout: 2_000 });
      const held = await manager.acquire(setting.key);
      await removeMember(setting, "member1");
      await setting.member.kill();
      if (followMembers) {
        await untilSuccess("the lock is verified again, when a leader has been elected", () => held.verify());
        await held.release();
        await (await manager.acquire(setting.key)).release();
      } else {
        await assert.rejects(manager.acquire(`${setting.key}other`), { code: "ETCD_UNAVAILABLE" });
        assert.equal(held.held, true);
      }
    });
  }
});
