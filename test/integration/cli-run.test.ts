import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { newName, startEtcdForFile } from "../support/etcd-for-commands.ts";
import { etcdlockerPath, fixture, runEtcdlocker, startEtcdlocker } from "../support/etcdlocker.ts";
import { listKeys } from "../support/leftovers.ts";
import { startProxy } from "../support/tcp-proxy.ts";

const etcd = await startEtcdForFile();
const { endpoints } = etcd;
const folder = mkdtempSync(join(tmpdir(), "etcdlocker-"));
after(() => rmSync(folder, { recursive: true }));

function run(...words: string[]) {
  return runEtcdlocker(endpoints, ["-k", newName(), ...words]);
}

describe("a command under a lock", () => {
  it("gives its own exit code", async () => {
    for (const code of [0, 1, 7, 255]) assert.equal((await run("sh", "-c", `exit ${code}`)).code, code);
  });

  it("gives 128 + N when it ends by signal N", async () => {
    assert.equal((await run("sh", "-c", "kill -TERM $$")).code, 143);
    assert.equal((await run("sh", "-c", "kill -KILL $$")).code, 137);
  });

  it("has the standard streams for itself", async () => {
    const program = startEtcdlocker(endpoints, ["-k", newName(), "sh", "-c", "cat; echo oops >&2"]);
    program.child.stdin?.end("one\ntwo\n");
    assert.equal((await program.end()).code, 0);
    assert.deepEqual([program.stdout, program.stderr], ["one\ntwo\n", "oops\n"]);
  });

  it("gets its words as they are", async () => {
    const words = ["007", "1e3", "", " ", "-t", "--", "*", "$HOME", "ünï", "a\nb", "--key=x"];
    const { stdout } = await run("-t5", "--", "node", "-p", "JSON.stringify(process.argv.slice(1))", "--", ...words);
    assert.deepEqual(JSON.parse(stdout), words);
  });

  it("knows the lock that it runs under, and does not lose what it is given", async () => {
    const name = newName();
    const script = "process.stdout.write(JSON.stringify(process.env))";
    const { stdout } = await runEtcdlocker(endpoints, ["-i", "007", "node", "-e", script], {
      environment: { ETCD_LOCK_KEY: name, ETCDLOCKER_KEY: "outer", ETCD_LOCK_REV: "outer", OTHER: "other" },
    });
    const environment: Record<string, string> = JSON.parse(stdout);
    assert.equal(environment.ETCDLOCKER_KEY, name);
    assert.equal(environment.ETCDLOCKER_ID, "007");
    assert.match(environment.ETCDLOCKER_FENCING_TOKEN ?? "", /^[1-9]\d*$/);
    assert.equal(environment.ETCD_LOCK_REV, environment.ETCDLOCKER_FENCING_TOKEN);
    assert.match(environment.ETCDLOCKER_LEASE ?? "", /^[1-9a-f][0-9a-f]*$/);
    assert.equal(environment.ETCD_LOCK_KEY, name);
    assert.equal(environment.OTHER, "other");
  });

  it("has its entry in etcd under its name, with the lease that it was told", async () => {
    const name = newName();
    const program = startEtcdlocker(endpoints, ["-k", name, "sh", "-c", "echo $ETCDLOCKER_LEASE; read line"]);
    const { text: lease } = await program.line(/^[0-9a-f]+$/);
    assert.deepEqual(await listKeys(etcd, name), [`${name}!${lease}`, `${name}/${lease}`]);
    program.child.stdin?.end("\n");
    assert.equal((await program.end()).code, 0);
    assert.deepEqual(await listKeys(etcd, name), []);
  });

  it("runs under two locks when etcdlocker runs etcdlocker, and is told of the inner one", async () => {
    const [outer, inner] = [newName(), newName()];
    const script = "echo $ETCDLOCKER_KEY";
    const words = ["-k", outer, process.execPath, etcdlockerPath, "-k", inner, "sh", "-c", `${script}; exit 5`];
    const { code, stdout } = await runEtcdlocker(endpoints, words);
    assert.deepEqual({ code, stdout }, { code: 5, stdout: `${inner}\n` });
  });

  it("runs alone, and the others in order of arrival", async () => {
    const name = newName();
    const log = join(folder, "log");
    const words = (who: string) => [
      "-k",
      name,
      "sh",
      "-c",
      `echo ${who} in >> ${log}; sleep 0.2; echo ${who} out >> ${log}`,
    ];
    const first = startEtcdlocker(endpoints, [
      "-k",
      name,
      "sh",
      "-c",
      `echo ready; read line; echo first out >> ${log}`,
    ]);
    await first.line(/ready/);
    const others = [];
    for (const who of ["second", "third", "fourth"]) {
      const other = startEtcdlocker(endpoints, ["-v", ...words(who)]);
      await other.line(/ waiting, \d+ ahead/);
      others.push(other);
    }
    first.child.stdin?.end("\n");
    for (const other of others) await other.end();
    const { stdout } = await run("cat", log);
    const turns = ["second", "third", "fourth"].flatMap((who) => [`${who} in`, `${who} out`]);
    assert.deepEqual(stdout.trim().split("\n"), ["first out", ...turns]);
  });
});

describe("a command that needs most of the TTL to end", () => {
  it("runs also when the last renewal of the wait was long ago", async () => {
    const name = newName();
    const holder = startEtcdlocker(endpoints, ["-k", name, "sh", "-c", "echo ready; read line"]);
    await holder.line(/ready/);
    const waiter = startEtcdlocker(endpoints, [
      "-v",
      "-t10",
      "-r1",
      "--kill-after=7",
      "-k",
      name,
      "sh",
      "-c",
      "exit 5",
    ]);
    await waiter.line(/ waiting, \d+ ahead/);
    // A session renews its lease every half TTL while it waits.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    holder.child.stdin?.end("\n");
    assert.equal((await waiter.end()).code, 5);
  });
});

describe("a command that cannot be started", () => {
  it("gives 3, and a reason", async () => {
    const file = join(folder, "not-executable");
    writeFileSync(file, "#!/bin/sh\n");
    for (const command of ["/no/such/program", "no-such-program", file, folder]) {
      const { code, stdout, stderr } = await run(command);
      assert.deepEqual({ code, stdout }, { code: 3, stdout: "" });
      assert.match(stderr, /^etcdlocker: cannot start .*: .*\n$/);
    }
  });

  it("gives 3 when it is a Node.js module that is not there", async () => {
    for (const module of ["./no-such-module.js", folder]) assert.equal((await run("-n", module)).code, 3, module);
  });
});

describe("a Node.js module under a lock", () => {
  it("is pinged, and gives its own exit code at once", async () => {
    const { code, stdout } = await run("-n", "-t5", "-r", "100ms", fixture("pong"), "3");
    assert.equal(code, 3);
    assert.match(stdout, /ping 3/);
  });

  it("is found without its extension, as node finds it", async () => {
    writeFileSync(join(folder, "module.js"), "process.exit(9)");
    assert.equal((await run("-n", join(folder, "module"))).code, 9);
  });

  it("is ended with 4 when it answers wrongly", async () => {
    const { code, stderr } = await run("-n", fixture("wrong-pong"));
    assert.equal(code, 4);
    assert.match(stderr, /ping.*wrong/);
  });

  it("is ended with 4 when it does not answer, also when it does not mind SIGTERM", async () => {
    const { code, stdout, stderr } = await run("-n", "-t1", "--kill-after", "50ms", "-r", "500ms", fixture("no-pong"));
    assert.equal(code, 4);
    assert.match(stderr, /not answered/);
    assert.match(stdout, /SIGTERM/);
  });

  it("is ended with 4 when it closes the channel and goes on", async () => {
    assert.equal((await run("-n", fixture("closed-channel"))).code, 4);
  });
});

describe("the address of etcd", () => {
  it("is understood as host and port, URL, IPv6 in brackets, and as a list", async () => {
    const [endpoint = ""] = endpoints;
    const port = endpoint.split(":")[1];
    for (const address of [endpoint, `http://${endpoint}`, `localhost:${port}`, `127.0.0.1:1,${endpoint}`]) {
      assert.equal((await run("-e", address, "sh", "-c", "exit 6")).code, 6, address);
    }
    assert.equal((await run("-e", "127.0.0.1:1", "-e", endpoint, "sh", "-c", "exit 6")).code, 6);
  });

  it("is one that failed, and how, when etcd is out of reach", async () => {
    await using proxy = await startProxy(endpoints[0] ?? "");
    proxy.cut();
    const { code, stdout, stderr } = await run("-e", `${proxy.endpoint},[::1]:1`, "true");
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.match(stderr, new RegExp(proxy.endpoint));
    assert.match(stderr, /\[::1\]:1/);
  });
});

describe("what etcdlocker says", () => {
  it("is nothing when all is well", async () => {
    assert.deepEqual(await run("true"), { code: 0, stdout: "", stderr: "" });
  });

  it("is what happens, with times, when it is asked to be verbose", async () => {
    const { stdout, stderr } = await run("-v", "true");
    assert.equal(stdout, "");
    for (const what of [
      "guardian is ready",
      "holding the lock",
      "started the command",
      "command ended",
      "gave the lock back",
    ]) {
      assert.match(stderr, new RegExp(`^etcdlocker \\+\\d+\\.\\d{3}s .*${what}`, "m"));
    }
  });

  it("may be read by nobody", async () => {
    const program = startEtcdlocker(endpoints, ["-v", "-k", newName(), "sh", "-c", "sleep 0.2; exit 8"]);
    program.child.stderr?.destroy();
    assert.equal((await program.end()).code, 8);
  });
});
