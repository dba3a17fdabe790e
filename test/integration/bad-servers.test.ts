import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import fc from "fast-check";
import { connectDirectly } from "#dist/etcd/connect-directly.js";
import { explainConnectionFailure } from "#dist/etcd/connection-failure.js";
import { LeaseGrantResponse, LeaseKeepAliveResponse, TxnResponse } from "#dist/etcd/gen/etcd.js";
import { leaseRevoke } from "#dist/etcd/methods.js";
import { Tls } from "#dist/etcd/tls.js";
import { GrpcError } from "#dist/grpc/status.js";
import { EtcdLockError, LockManager } from "#dist/index.js";
import { type EtcdTls, makeCertificates } from "#dist/testing/certificates.js";
import { within } from "../support/eventually.ts";
import { answer, answerRaw, type Behaviour, startHostileEtcd } from "../support/hostile-etcd.ts";

const connectTimeout = 2_000;
const endless = Buffer.alloc(64 * 1024);

const behaviours: Readonly<Record<string, Behaviour>> = {
  "closes the connection": (stream) => stream.session?.destroy(),
  "resets every request": (stream) => stream.close(2),
  "never answers": () => {},
  "begins to answer, and stops": (stream) => stream.respond({ ":status": 200, "content-type": "application/grpc" }),
  "is a web server": (stream) => {
    stream.respond({ ":status": 404, "content-type": "text/html" });
    stream.end("<h1>not here</h1>");
  },
  "answers with no message": (stream) => answerRaw(stream, Buffer.alloc(0)),
  "answers with empty messages": (stream) => answer(stream, Buffer.alloc(0)),
  "answers with garbage": (stream) => answer(stream, Buffer.from("this is no protobuf at all \xff\xff\xff")),
  "breaks off in the middle of a message": (stream) => answerRaw(stream, Buffer.from([0, 0, 0, 4, 0, 1, 2, 3])),
  "announces a message of 4 GiB": (stream) => answerRaw(stream, Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3])),
  "answers with a status that there is not": (stream) => answer(stream, Buffer.alloc(0), "4711", "what?"),
  "answers with a status that is no number": (stream) => answer(stream, Buffer.alloc(0), "fine", "all is well"),
  "refuses with terminal escapes": (stream) => answer(stream, Buffer.alloc(0), "9", "%1B%5B2J%1B%5D0;owned%07"),
  "sends without an end": (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    const send = (): boolean => !stream.destroyed && stream.write(endless, () => setImmediate(send));
    send();
  },
  "grants leases that have ended": lieAbout({ ttl: 0n }),
  "grants leases with a negative TTL": lieAbout({ ttl: -5n }),
  "grants leases for ever": lieAbout({ ttl: 2n ** 63n - 1n }),
  "says yes to everything, and shows nothing": lieAbout({ ttl: 5n, succeeded: true }),
  "says no to everything, and shows nothing": lieAbout({ ttl: 5n, succeeded: false }),
};

describe("a lock is refused by a named error, or had, when what should be etcd", { concurrency: 4 }, () => {
  for (const [what, behaviour] of Object.entries(behaviours)) {
    test(what, (t) => tryLock(t, behaviour));
  }

  test("answers whatever comes to its mind", async (t) => {
    const status = fc.oneof(fc.constant("0"), fc.integer({ min: 0, max: 20 }).map(String));
    const message = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...lies()));
    const answers = fc.array(fc.tuple(message, status), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(answers, async (said) => {
        let count = 0;
        await tryLock(t, (stream) => {
          const [bytes, code] = said[count % said.length] ?? [Buffer.alloc(0), "0"];
          count += 1;
          answer(stream, bytes, code);
        });
      }),
      { numRuns: 8, interruptAfterTimeLimit: 60_000 },
    );
  });
});

const close = (socket: Socket): unknown => socket.resume().end();
const reset = (socket: Socket): unknown => socket.once("data", () => socket.resetAndDestroy());
const showPage = (code: number): Server =>
  createHttp2Server((_, response) => response.writeHead(code, { "content-type": "text/html" }).end("<h1>a page</h1>"));

const knowNothing = (): Server =>
  createHttp2Server((_, response) => {
    const refusal = { "grpc-status": "12", "grpc-message": "unknown service etcdserverpb.Lease" };
    response.writeHead(200, { "content-type": "application/grpc", ...refusal }).end();
  });

/** What is said of servers that are no etcd, by how they are spoken to. */
const strangers: Readonly<Record<string, readonly [start: (tls: EtcdTls) => Server, said: RegExp]>> = {
  "http: closes connections": [() => createServer(close), /^no HTTP\/2 was spoken there without TLS: is it https:/],
  "http: resets connections": [() => createServer(reset), /^no HTTP\/2 was spoken there without TLS: is it https:/],
  "http: speaks HTTP/1.1": [() => createHttpServer(), /^no HTTP\/2 was spoken there without TLS: is it https:/],
  "http: shows a page": [() => showPage(200), /^no gRPC is spoken there: HTTP status 200, content-type "text\/html"$/],
  "http: has no page": [() => showPage(404), /^no gRPC is spoken there: HTTP status 404, content-type "text\/html"$/],
  "http: speaks gRPC, and knows nothing of etcd": [
    knowNothing,
    /^what answers there does not know what etcd knows: is this etcd's address for clients\? \(unknown service/,
  ],
  "https: closes connections": [() => createServer(close), /^no TLS was spoken there: is it http:/],
  "https: resets connections": [() => createServer(reset), /^no TLS was spoken there: is it http:/],
  "https: speaks HTTP/1.1 without TLS": [() => createHttpServer(), /^no TLS was spoken there: is it http:/],
  "https: closes connections of TLS": [
    ({ cert, key }) => createTlsServer({ cert, key }, close),
    /^no HTTP\/2 was spoken there over TLS: is this etcd's address/,
  ],
  "https: answers what is no HTTP/2": [
    ({ cert, key }) => createTlsServer({ cert, key }, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    /^no HTTP\/2 was spoken there over TLS: is this etcd's address/,
  ],
  "https: speaks HTTP/1.1": [
    ({ cert, key }) => createHttpsServer({ cert, key }),
    /^no HTTP\/2 was spoken there over TLS: is this etcd's address/,
  ],
};

describe("it is said what is wrong with a server that is no etcd", { concurrency: true }, () => {
  let folder = "";
  let certificates: EtcdTls;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
    certificates = (await makeCertificates(folder)).server;
  });
  after(() => rm(folder, { recursive: true }));

  for (const [what, [start, said]] of Object.entries(strangers)) {
    test(what, async () => {
      const server = start(certificates).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const tls = what.startsWith("https:") ? new Tls({ ca: certificates.ca }) : undefined;
      const connection = connectDirectly(`127.0.0.1:${port}`, tls);
      try {
        await assert.rejects(
          connection.unary(leaseRevoke, { id: 1n }, { timeoutMs: 20_000, signal: undefined }),
          (error) => {
            assert.ok(error instanceof GrpcError, `${error}`);
            assert.match(explainConnectionFailure(error.message), said);
            return true;
          },
        );
      } finally {
        connection.discard();
        server.close();
      }
    });
  }
});

/** Asks for a lock as a program would. Nothing may hang, and what fails must say so in our words. */
async function tryLock(t: TestContext, behaviour: Behaviour): Promise<void> {
  const server = await startHostileEtcd(behaviour);
  const manager = new LockManager({ endpoints: server.endpoint, ttl: 6, connectTimeout });
  const signal = AbortSignal.timeout(6_000);
  try {
    const lock = await within(
      20_000,
      "an answer",
      manager.acquire("/test/lock", { signal }).catch((error: unknown) => {
        if (signal.aborted && error === signal.reason) return null;
        assert.ok(error instanceof EtcdLockError, `${error}`);
        t.diagnostic(error.message.slice(0, 150));
        return null;
      }),
    );
    // Whoever is etcd says who holds; but what it has said long ago is worth nothing.
    if (lock !== null) assert.ok(lock.remaining <= lock.ttl * 1_000);
  } finally {
    await within(
      20_000,
      "the end",
      manager.close().catch((error: unknown) => assert.ok(error instanceof EtcdLockError)),
    );
    await server.close();
  }
}

/** Speaks etcd's language, and lies. */
function lieAbout({ ttl, succeeded = false }: { ttl: bigint; succeeded?: boolean }): Behaviour {
  const header = { clusterId: 1n, memberId: 1n, revision: 7n, raftTerm: 2n };
  return (stream, path) => {
    if (path.endsWith("/LeaseGrant")) {
      answer(stream, LeaseGrantResponse.encode(LeaseGrantResponse.fromPartial({ header, ttl })).finish());
    } else if (path.endsWith("/LeaseKeepAlive")) {
      answer(stream, LeaseKeepAliveResponse.encode(LeaseKeepAliveResponse.fromPartial({ header, ttl })).finish());
    } else if (path.endsWith("/Txn")) {
      answer(stream, TxnResponse.encode(TxnResponse.fromPartial({ header, succeeded })).finish());
    } else answer(stream, Buffer.alloc(0));
  };
}

/** Messages that are well-formed, in places where nobody expects them. */
function lies(): readonly Uint8Array[] {
  const header = { clusterId: 1n, memberId: 1n, revision: -1n, raftTerm: 0n };
  return [
    TxnResponse.encode(TxnResponse.fromPartial({ header, succeeded: true })).finish(),
    TxnResponse.encode(TxnResponse.fromPartial({ responses: [{}] })).finish(),
    LeaseGrantResponse.encode(LeaseGrantResponse.fromPartial({ header, ttl: 3n })).finish(),
    LeaseKeepAliveResponse.encode(LeaseKeepAliveResponse.fromPartial({ header, ttl: -1n })).finish(),
  ];
}
