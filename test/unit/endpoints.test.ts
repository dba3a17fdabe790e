import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEtcdSource } from "#dist/etcd/endpoints.js";

test("an address may be a host, host and port, a URL, or IPv6 in brackets", () => {
  assert.deepEqual(parseEtcdSource("localhost"), ["localhost:2379"]);
  assert.deepEqual(parseEtcdSource("etcd-1:6666"), ["etcd-1:6666"]);
  assert.deepEqual(parseEtcdSource("http://10.0.0.1:80/"), ["10.0.0.1:80"]);
  assert.deepEqual(parseEtcdSource("[::1]"), ["[::1]:2379"]);
  assert.deepEqual(parseEtcdSource("[fe80::1]:2380"), ["[fe80::1]:2380"]);
});

test("several addresses come in an array, separated by commas, or both, and each counts once", () => {
  const expected = ["a:1", "b:2379", "c:3"];
  assert.deepEqual(parseEtcdSource("a:1, b,c:3"), expected);
  assert.deepEqual(parseEtcdSource(["a:1", "b", "c:3", "a:1"]), expected);
  assert.deepEqual(parseEtcdSource({ endpoints: ["a:1,b", "http://c:3"] }), expected);
});

const refused: readonly [source: unknown, message: RegExp][] = [
  [undefined, /etcd must be an address.*got undefined/],
  [42, /got 42/],
  [{}, /got \{\}/],
  [[], /got an empty array/],
  ["", /got ""/],
  ["a,,b", /got ""/],
  ["::1", /got "::1"/],
  ["a b", /got "a b"/],
  ["host:99999", /got "host:99999"/],
  ["host:0", /port .* must be 1 to 65535; got "host:0"/],
  ["ftp://host", /a host and a port, and nothing else; got "ftp:\/\/host"/],
  ["http://host/path", /nothing else; got "http:\/\/host\/path"/],
  ["http://me:secret@host", /nothing else/],
  ["https://host:2379", /asks for TLS, which is not supported yet/],
  [{ endpoints: "a", tls: {} }, /option tls is not supported yet/],
  [{ endpoints: [7] }, /got 7/],
  [{ watcher() {}, compareAndDelete() {} }, /node-etcd client.*v2 API/],
  [{ leaseClient: {}, kv: {} }, /Etcd3 client, which is not supported yet/],
];

for (const [source, message] of refused) {
  test(`no address: ${String(message)}`, () => {
    assert.throws(() => parseEtcdSource(source), { name: "TypeError", message });
  });
}
