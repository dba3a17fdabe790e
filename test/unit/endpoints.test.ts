import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEtcdSource } from "#dist/etcd/endpoints.js";

function addresses(source: unknown): readonly string[] | undefined {
  return parseEtcdSource(source).endpoints;
}

test("an address may be a host, host and port, a URL, or IPv6 in brackets", () => {
  assert.deepEqual(addresses("localhost"), ["localhost:2379"]);
  assert.deepEqual(addresses("etcd-1:6666"), ["etcd-1:6666"]);
  assert.deepEqual(addresses("http://10.0.0.1:80/"), ["10.0.0.1:80"]);
  assert.deepEqual(addresses("https://etcd-1"), ["etcd-1:2379"]);
  assert.deepEqual(addresses("[::1]"), ["[::1]:2379"]);
  assert.deepEqual(addresses("[fe80::1]:2380"), ["[fe80::1]:2380"]);
});

test("several addresses come in an array, separated by commas, or both, and each counts once", () => {
  const expected = ["a:1", "b:2379", "c:3"];
  assert.deepEqual(addresses("a:1, b,c:3"), expected);
  assert.deepEqual(addresses(["a:1", "b", "c:3", "a:1"]), expected);
  assert.deepEqual(addresses({ endpoints: ["a:1,b", "http://c:3"] }), expected);
});

test("TLS is spoken with all endpoints or with none: one https: address is enough, and so is the option tls", () => {
  assert.equal(parseEtcdSource("a,http://b").tls, undefined);
  assert.deepEqual(parseEtcdSource("https://a,b").tls, {});
  assert.deepEqual(parseEtcdSource({ endpoints: "a", tls: true }).tls, {});
  assert.deepEqual(parseEtcdSource({ endpoints: "https://a", tls: { ca: "/ca.crt" } }).tls, { ca: "/ca.crt" });
});

test("what is checked can be checked again, and stays the same", () => {
  for (const source of ["https://a:1", { discoverySrv: "example.com", tls: true, followMembers: true }]) {
    const access = parseEtcdSource(source);
    assert.deepEqual(parseEtcdSource(access), access);
  }
});

const refused: readonly [source: unknown, message: RegExp][] = [
  [undefined, /etcd must be an address.*got undefined/],
  [42, /got 42/],
  [{}, /got an object with nothing in it$/],
  [{ host: "a", password: "secret" }, /got an object with host, password$/],
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
  ["me:secret@host", /nothing else; got "…@host"/],
  ["https://a,http://b", /http:\/\/ endpoints, without TLS, and https:\/\/ endpoints/],
  [{ endpoints: "http://a", tls: true }, /http:\/\/ endpoints, without TLS, and the option tls/],
  [{ endpoints: "a", tls: 5 }, /tls must be true or an object .*; got 5/],
  [{ endpoints: "a", tls: { ca: 7 } }, /tls\.ca must be the path of a PEM file, or PEM as a string or bytes; got 7/],
  [{ endpoints: "a", tls: { cert: "c" } }, /tls\.cert is given without tls\.key/],
  [{ endpoints: "a", tls: { key: "k" } }, /tls\.key is given without tls\.cert/],
  [{ endpoints: "a", tls: { serverName: "" } }, /tls\.serverName must be a host name; got ""/],
  [{ endpoints: "a", user: "root:secret" }, /user must be an object .*; got "string"$/],
  [{ endpoints: "a", user: { password: "p" } }, /user\.name must be .*; got undefined/],
  [{ endpoints: "a", user: { name: "me" } }, /either password or passwordFile; neither is given/],
  [{ endpoints: "a", user: { name: "me", password: "secret", passwordFile: "f" } }, /both are given$/],
  [{ endpoints: "a", user: { name: "me", password: "" } }, /user\.password must be a string that is not empty$/],
  [{ endpoints: "a", discoverySrv: "b" }, /either endpoints or discoverySrv; got both/],
  [{ discoverySrv: "https://b" }, /discoverySrv must be a domain .*; got "https:\/\/b"/],
  [{ endpoints: "a", followMembers: 1 }, /followMembers must be true or false; got 1/],
  [{ endpoints: [7] }, /got 7/],
  [{ endpoints: "a", api: 1 }, /^api must be 2 or 3; got 1$/],
  [{ discoverySrv: "a", api: 2 }, /^discoverySrv and followMembers need the v3 API/],
  [{ watcher() {}, compareAndDelete() {} }, /node-etcd client.*v2 API/],
];

for (const [source, message] of refused) {
  test(`no address: ${String(message)}`, () => {
    assert.throws(() => parseEtcdSource(source), { name: "TypeError", message });
  });
}
