import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { splitCommandLine } from "#dist/cli/command-line.js";
import { type Connection, readConnection } from "#dist/cli/connection.js";
import { messageOf } from "#dist/cli/error-message.js";
import { Settings } from "#dist/cli/settings.js";

function read(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Connection {
  return readConnection(new Settings(splitCommandLine([...words, "command"]).flags, environment));
}

/** Reading fails with a message like this, which does not show a secret. */
function assertRefused(message: RegExp, words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  assert.throws(
    () => read(words, environment),
    (error: Error) => {
      assert.equal(error.name, "UsageError");
      assert.match(error.message, message);
      assert.ok(!error.message.includes("secret"), error.message);
      return true;
    },
  );
}

describe("where etcd is", () => {
  it("is on this machine, if nothing is said", () => {
    assert.deepEqual(read([]).endpoints, ["localhost:2379"]);
  });

  it("is what the flags say, then ETCD_LOCK_HOST, then ETCDCTL_ENDPOINTS, then DNS", () => {
    const all = { ETCD_LOCK_HOST: "a", ETCDCTL_ENDPOINTS: "b,https://c:1", ETCDCTL_DISCOVERY_SRV: "example.com" };
    assert.deepEqual(read(["-e", "d", "--endpoints", "e,f"], all).endpoints, ["d", "e", "f"]);
    assert.deepEqual(read(["--endpoints", "e"], all).endpoints, ["e"]);
    assert.deepEqual(read(["--discovery-srv", "d.example"], all).discoverySrv, "d.example");
    assert.deepEqual(read([], all).endpoints, ["a"]);
    assert.deepEqual(read([], { ...all, ETCD_LOCK_HOST: "" }).endpoints, ["b", "https://c:1"]);
    assert.deepEqual(read([], { ETCDCTL_DISCOVERY_SRV: "example.com" }).discoverySrv, "example.com");
    assert.equal(read([], { ETCDCTL_DISCOVERY_SRV: "example.com" }).endpoints, undefined);
  });

  it("cannot be said by addresses and by DNS", () => {
    assertRefused(/--discovery-srv is given beside --endpoints/, ["--endpoints", "a", "--discovery-srv", "b"]);
  });
});

describe("certificates", () => {
  it("come from flags or the variables of etcdctl, and are left to the library to read", () => {
    const environment = { ETCDCTL_CACERT: "ca", ETCDCTL_CERT: "cert", ETCDCTL_KEY: "key", ETCD_LOCK_KEY: "/lock" };
    assert.deepEqual(read([], environment).tls, { ca: "ca", cert: "cert", key: "key" });
    const words = ["--cacert=x", "--cert", "y", "--cert-key", "z", "--server-name", "etcd.example"];
    assert.deepEqual(read(words, environment).tls, { ca: "x", cert: "y", key: "z", serverName: "etcd.example" });
    assert.equal(read([]).tls, undefined);
  });

  it("are not the key of the lock: -k and ETCD_LOCK_KEY stay what they are", () => {
    assert.equal(read(["-k", "name"], { ETCD_LOCK_KEY: "name" }).tls, undefined);
  });
});

describe("the user", () => {
  it("has a password from a file, or else from ETCDCTL_PASSWORD, or else from ETCDCTL_USER", () => {
    const environment = { ETCDCTL_USER: "me:own:secret", ETCDCTL_PASSWORD: "secret" };
    const words = ["--user", "you", "--password-file", "file"];
    assert.deepEqual(read(words, environment).user, { name: "you", passwordFile: "file" });
    assert.deepEqual(read(["--user", "you"], environment).user, { name: "you", password: "secret" });
    assert.deepEqual(read([], environment).user, { name: "me", password: "secret" });
    assert.deepEqual(read([], { ETCDCTL_USER: "me:own:secret" }).user, { name: "me", password: "own:secret" });
  });

  it("is nobody without a name: ETCDCTL_PASSWORD alone means nothing", () => {
    assert.equal(read([], { ETCDCTL_PASSWORD: "secret", ETCDCTL_USER: "" }).user, undefined);
  });

  it("is refused with a password on the command line, for ps shows it; and the message doesn't", () => {
    assertRefused(/--user has a password in it, which ps shows.*--password-file/, ["--user", "me:secret"]);
    assertRefused(/--user has a password in it/, ["--user=:secret"]);
  });

  it("is refused without a name, or without a password", () => {
    assertRefused(/ETCDCTL_USER has no name/, [], { ETCDCTL_USER: ":secret" });
    assertRefused(/user "me" needs a password: give it in ETCDCTL_PASSWORD or --password-file/, ["--user", "me"]);
    assertRefused(/user "me" needs a password/, [], { ETCDCTL_USER: "me:" });
    assertRefused(/--password-file is given without a user/, ["--password-file", "file"]);
  });
});

describe("what the library says", () => {
  it("is said in the words of the command line", () => {
    const said = "tls.key is given without tls.cert; is tls.ca right? a.tls.ca tls.caX user.passwordFile is empty";
    const expected = "--cert-key is given without --cert; is --cacert right? a.tls.ca tls.caX --password-file is empty";
    assert.equal(messageOf(new Error(said)), expected);
  });
});

describe("what the library says of its options", () => {
  it("is in the words of the command line, also when it is said again", () => {
    const plain = [
      "an etcd endpoint has a host and a port",
      "tls.ca and tls.cert",
      "discoverySrv must be a domain",
      "the option tls: all of a cluster's have TLS",
      "user.passwordFile",
    ];
    for (const text of plain) {
      const once = messageOf(new TypeError(text));
      assert.notEqual(once, text);
      assert.equal(messageOf(new Error(once)), once);
    }
  });
});
