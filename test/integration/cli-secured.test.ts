import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type EtcdCluster, startEtcd } from "#dist/testing/index.js";
import { runEtcdlocker, startEtcdlocker } from "../support/etcdlocker.ts";
import { descendantsOf } from "../support/process-table.ts";
import { addUser } from "../support/secured.ts";

const password = "secret of locker";
let cluster: EtcdCluster;
let folder: string;
let passwordFile: string;

before(async () => {
  cluster = await startEtcd({ tls: true, auth: true });
  await addUser(cluster, "locker", "/locks/");
  folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
  passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
});

after(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The files of {@link EtcdCluster.tls}, as flags. */
function certificates(): string[] {
  const { caFile = "", certFile = "", keyFile = "" } = cluster.tls ?? {};
  return ["--cacert", caFile, "--cert", certFile, "--cert-key", keyFile];
}

function userFlags(): string[] {
  return ["--user", "locker", "--password-file", passwordFile];
}

/** The same as etcdctl's variables. */
function variables(): Record<string, string> {
  const { caFile = "", certFile = "", keyFile = "" } = cluster.tls ?? {};
  const files = { ETCDCTL_CACERT: caFile, ETCDCTL_CERT: certFile, ETCDCTL_KEY: keyFile };
  return { ...files, ETCDCTL_ENDPOINTS: cluster.endpoints.join(","), ETCDCTL_USER: "locker" };
}

describe("a secured etcd", { concurrency: true }, () => {
  it("is reached with flags and a password file", async () => {
    const words = [...certificates(), ...userFlags(), "-k", "/locks/flags", "echo", "inside"];
    const { code, stdout, stderr } = await runEtcdlocker(cluster.endpoints, words);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "inside\n", stderr: "" });
  });

  it("is reached with the variables of etcdctl, which wants nothing else itself", async () => {
    const environment = { ...variables(), ETCDCTL_PASSWORD: password, ETCD_LOCK_HOST: undefined };
    const words = ["-k", "/locks/variables", "echo", "inside"];
    const { code, stdout, stderr } = await runEtcdlocker([], words, { environment });
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "inside\n", stderr: "" });
  });

  it("is reached with name and password in ETCDCTL_USER", async () => {
    const environment = { ...variables(), ETCDCTL_USER: `locker:${password}`, ETCD_LOCK_HOST: undefined };
    const { code, stderr } = await runEtcdlocker([], ["-k", "/locks/both", "true"], { environment });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  });

  it("keeps ETCD_LOCK_KEY the name of the lock, and ETCDCTL_KEY the file of a key", async () => {
    const environment = { ...variables(), ETCDCTL_PASSWORD: password, ETCD_LOCK_KEY: "/locks/named" };
    const { code, stdout } = await runEtcdlocker(cluster.endpoints, ["sh", "-c", "echo $ETCDLOCKER_KEY"], {
      environment,
    });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "/locks/named\n" });
  });
});

/** Where processes can be looked into. */
const skip = process.platform !== "linux" && "needs /proc";

describe("a password", { concurrency: true }, () => {
  it("from a file is seen nowhere: neither in ps, nor in any environment, nor in the output", { skip }, async () => {
    const words = ["-v", ...certificates(), ...userFlags(), "-k", "/locks/seen", "sh", "-c", "echo ready; sleep 60"];
    const locker = startEtcdlocker(cluster.endpoints, words);
    await locker.line(/^ready$/);
    const pids = [locker.pid, ...descendantsOf(locker.pid)];
    assert.ok(pids.length >= 3, "etcdlocker, its guardian and the command");
    for (const pid of pids) {
      for (const file of ["cmdline", "environ"]) {
        const text = await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
        assert.ok(!text.includes("secret"), `/proc/${pid}/${file}`);
      }
    }
    locker.signal("SIGTERM");
    await locker.end();
    assert.ok(!(locker.stdout + locker.stderr).includes("secret"));
  });

  it("from the environment stays there, and the command has it as any would; neither the guardian nor ps does", {
    skip,
  }, async () => {
    const environment = { ...variables(), ETCDCTL_PASSWORD: password };
    const words = ["-v", "-k", "/locks/inherited", "sh", "-c", 'echo "got $ETCDCTL_PASSWORD"; sleep 60'];
    const locker = startEtcdlocker(cluster.endpoints, words, { environment });
    await locker.line(/^got secret of locker$/);
    const guardian = Number(/guardian is ready \(pid (\d+)\)/.exec(locker.stderr)?.[1]);
    assert.ok(guardian > 1, locker.stderr);
    assert.ok(!(await readFile(`/proc/${guardian}/environ`, "utf8")).includes("secret"));
    for (const pid of [locker.pid, ...descendantsOf(locker.pid)]) {
      assert.ok(!(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).includes("secret"));
    }
    locker.signal("SIGTERM");
    await locker.end();
    assert.ok(!locker.stderr.includes("secret"), locker.stderr);
  });

  it("on the command line is refused, and not repeated", async () => {
    const words = [...certificates(), "--user", `locker:${password}`, "-k", "/locks/refused", "true"];
    const { code, stdout, stderr } = await runEtcdlocker(cluster.endpoints, words);
    assert.equal(code, 64);
    assert.match(stderr, /^etcdlocker: --user has a password in it, which ps shows/);
    assert.ok(!(stdout + stderr).includes("secret"));
  });

  it("that is wrong is said to be, and not repeated", async () => {
    const environment = { ...variables(), ETCDCTL_PASSWORD: "wrong secret" };
    const words = ["-v", "-k", "/locks/wrong", "true"];
    const { code, stderr } = await runEtcdlocker(cluster.endpoints, words, { environment });
    assert.equal(code, 1);
    assert.match(stderr, /refused: the login of user "locker": .*invalid user ID or password/);
    assert.ok(!stderr.includes("secret"), stderr);
  });

  it("in a file that everybody can read is refused, with what to do about it", async () => {
    const open = join(folder, "open");
    await writeFile(open, password, { mode: 0o644 });
    const words = [...certificates(), "--user", "locker", "--password-file", open, "-k", "/locks/open", "true"];
    const { code, stderr } = await runEtcdlocker(cluster.endpoints, words);
    assert.equal(code, 64);
    assert.ok(stderr.includes("--password-file") && stderr.includes(`chmod 600 ${open}`), stderr);
  });
});

describe("what keeps etcdlocker out", { concurrency: true }, () => {
  it("is named, when a permission is missing", async () => {
    const words = [...certificates(), ...userFlags(), "-k", "/elsewhere", "true"];
    const { code, stderr } = await runEtcdlocker(cluster.endpoints, words);
    assert.equal(code, 1);
    assert.match(stderr, /permission denied; user "locker" needs readwrite from "\/elsewhere\/" to "\/elsewhere0"/);
  });

  it("is named by its flag, when a file is missing, or only half of a pair is given", async () => {
    const [, ca = "", , cert = ""] = certificates();
    const missing = ["--cacert", "/nowhere/ca.crt"];
    const half = ["--cacert", ca, "--cert", cert];
    for (const [words, message] of [
      [missing, /^etcdlocker: --cacert cannot be read: ".*\/nowhere\/ca\.crt": ENOENT/],
      [half, /^etcdlocker: --cert is given without --cert-key/],
    ] as const) {
      const { code, stderr } = await runEtcdlocker(cluster.endpoints, [...words, "-k", "/locks/half", "true"]);
      assert.equal(code, 64, stderr);
      assert.match(stderr, message);
    }
  });
});
