import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startEtcd } from "#dist/testing/index.js";
import { newName, startEtcdForFile } from "../support/etcd-for-commands.ts";
import { runEtcdlocker } from "../support/etcdlocker.ts";

const etcd = await startEtcdForFile();
const { endpoints } = etcd;

interface Finding {
  readonly level: string;
  readonly topic: string;
  readonly message: string;
  readonly advice?: string;
}

/** What the doctor finds, as a program reads it. */
async function examine(...words: readonly string[]): Promise<{ code: number | null; findings: readonly Finding[] }> {
  const { code, stdout, stderr } = await runEtcdlocker(endpoints, [...words, "--doctor", "--json"]);
  assert.equal(stderr, "");
  return { code, findings: JSON.parse(stdout).findings };
}

describe("the doctor", { concurrency: true }, () => {
  it("finds nothing wrong where nothing is wrong, and leaves nothing behind", async () => {
    const name = newName();
    const { code, stdout, stderr } = await runEtcdlocker(endpoints, ["-k", name, "--doctor"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.doesNotMatch(stdout, /^FAIL/m);
    for (const text of [
      /answers within/,
      /is etcd 3\./,
      /clocks .* agree/,
      /may be read/,
      /may be taken/,
      /TTL of 60 s/,
    ]) {
      assert.match(stdout, text);
    }
  });

  it("tells of an endpoint that does not answer, and looks at the others", async () => {
    const { code, findings } = await examine("-k", newName(), "-e", ["127.0.0.1:9", ...endpoints].join(","));
    assert.equal(code, 1);
    assert.deepEqual(
      findings.filter(({ level }) => level === "failure").map(({ topic }) => topic),
      ["endpoint"],
    );
    assert.ok(findings.some(({ topic, level }) => topic === "permissions" && level === "good"));
  });

  it("tells of keys that stand in the line for ever, and of locks under the same name", async () => {
    const name = newName();
    await etcd.etcdctl("put", "--", `${name}/abc`, "");
    const { code, findings } = await examine("-k", name);
    assert.equal(code, 1);
    const [detached] = findings.filter(({ level }) => level === "failure");
    assert.match(detached?.message ?? "", new RegExp(`${name}/abc is bound to no lease`));
    assert.match(detached?.advice ?? "", new RegExp(`etcdctl del -- ${name}/abc`));
    await etcd.etcdctl("del", "--", `${name}/abc`);
  });

  it("tells of a TTL that etcd does not grant", async () => {
    const { code, findings } = await examine("-k", newName(), "-t", "1");
    assert.equal(code, 0);
    assert.ok(
      findings.some(({ topic, level, message }) => topic === "ttl" && level === "warning" && / 2 s /.test(message)),
    );
  });

  it("tells of a password that is wrong, and of a user who may not write the hold record", async () => {
    await using secured = await startEtcd({ auth: true });
    const name = newName();
    await secured.etcdctl("role", "add", "half");
    await secured.etcdctl("role", "grant-permission", "half", "--prefix=true", "readwrite", `${name}/`);
    await secured.etcdctl("role", "grant-permission", "half", "--prefix=true", "read", `${name}!`);
    await secured.etcdctl("user", "add", "half:secret");
    await secured.etcdctl("user", "grant-role", "half", "half");
    const examineAs = async (password: string): Promise<{ code: number | null; stdout: string }> =>
      await runEtcdlocker(secured.endpoints, ["-k", name, "--user", "half", "--doctor"], {
        environment: { ETCDCTL_PASSWORD: password },
      });
    const wrong = await examineAs("another");
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /^FAIL .*authentication failed/m);
    assert.match(wrong.stdout, /--password-file/);
    assert.match(wrong.stdout, /is etcd 3\./);
    const half = await examineAs("secret");
    assert.equal(half.code, 1);
    assert.match(half.stdout, /^ok .*may be read/m);
    assert.match(half.stdout, /^FAIL .*no lock at or under .* can be taken/m);
    const advice = half.stdout.replaceAll(/\s+/g, " ");
    for (const prefix of [`${name}/`, `${name}!`])
      assert.ok(advice.includes(`--prefix=true readwrite ${prefix}`), advice);
  });

  it("tells of permissions that are missing", async () => {
    await using secured = await startEtcd({ auth: true });
    const name = newName();
    await secured.etcdctl("role", "add", "reader");
    await secured.etcdctl("role", "grant-permission", "reader", "--prefix=true", "read", name);
    await secured.etcdctl("user", "add", "reader:secret");
    await secured.etcdctl("user", "grant-role", "reader", "reader");
    const { code, stdout, stderr } = await runEtcdlocker(
      secured.endpoints,
      ["-k", name, "--user", "reader", "--doctor"],
      {
        environment: { ETCDCTL_PASSWORD: "secret" },
      },
    );
    assert.deepEqual({ code, stderr }, { code: 1, stderr: "" });
    assert.match(stdout, /^ok .*may be read/m);
    assert.match(stdout, /^FAIL .*no lock at or under .* can be taken/m);
    assert.match(stdout, /grant-permission/);
    assert.doesNotMatch(stdout, /secret/);
  });
});
