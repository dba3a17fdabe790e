import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "#dist/clock.js";
import { connectDirectly } from "#dist/etcd/connect-directly.js";
import { Connection } from "#dist/etcd/connection.js";
import { RangeRequest, RangeResponse, WatchResponse } from "#dist/etcd/gen/etcd.js";
import { Http2Channel } from "#dist/grpc/http2-channel.js";
import { GrpcError, status } from "#dist/grpc/status.js";
import { eventually, within } from "../support/eventually.ts";
import { answer, answerRaw, type Behaviour, startHostileEtcd } from "../support/hostile-etcd.ts";

const range = { path: "/etcdserverpb.KV/Range", request: RangeRequest, response: RangeResponse };
const watch = { path: "/etcdserverpb.Watch/Watch", request: RangeRequest, response: WatchResponse };
const request = RangeRequest.fromPartial({});
const options = { timeoutMs: 20_000, signal: undefined };
const empty = Buffer.from(RangeResponse.encode(RangeResponse.fromPartial({})).finish());

/** A connection to a server that does as it likes with calls, and the server's ends of the connections. */
async function connectTo(t: test.TestContext, behaviour: Behaviour) {
  const sessions = new Set<Http2Session>();
  const server = await startHostileEtcd((stream, path) => {
    if (stream.session !== undefined) sessions.add(stream.session);
    behaviour(stream, path);
  });
  const connection = connectDirectly(server.endpoint);
  t.after(() => {
    connection.discard();
    return server.close();
  });
  return { connection, sessions, endpoint: server.endpoint };
}

test("calls share one connection", async (t) => {
  const { connection, sessions } = await connectTo(t, (stream) => answer(stream, empty));
  await Promise.all(Array.from({ length: 200 }, () => connection.unary(range, request, options)));
  assert.equal(sessions.size, 1);
  assert.equal(connection.answers, 200);
});

test("an answer of more than Node.js holds for a connection comes whole", async (t) => {
  const value = Buffer.alloc(24 * 1024 * 1024, "x");
  const large = RangeResponse.encode(RangeResponse.fromPartial({ kvs: [{ value }] })).finish();
  const { connection } = await connectTo(t, (stream) => answer(stream, large));
  const { kvs } = await connection.unary(range, request, options);
  assert.ok(kvs[0]?.value.equals(value));
});

test("an answer of more than memory is to hold is refused before it comes", async (t) => {
  const sent = new Set<ServerHttp2Stream>();
  const { connection } = await connectTo(t, (stream) => {
    sent.add(stream);
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    // 3 GiB are to come, and begin to.
    stream.write(Buffer.from([0, 0xc0, 0, 0, 0]));
    const send = (): boolean => !stream.destroyed && stream.write(Buffer.alloc(64 * 1024), () => setImmediate(send));
    send();
  });
  await assert.rejects(connection.unary(range, request, options), {
    code: status.RESOURCE_EXHAUSTED,
    message: "the answer is too long: 3221225472 bytes, and at most 268435456 are read",
  });
  await eventually(
    "the server sends no more",
    () => [...sent],
    ([stream]) => stream?.destroyed === true,
  );
});

test("a server that goes away answers what it has begun, and other calls go to another connection", async (t) => {
  let answerFirst: (() => void) | undefined;
  const { connection, sessions } = await connectTo(t, (stream) => {
    if (answerFirst !== undefined) return answer(stream, empty);
    answerFirst = () => answer(stream, empty);
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
  });
  const begun = connection.unary(range, request, options);
  await eventually(
    "the call has arrived",
    () => answerFirst,
    (isThere) => isThere !== undefined,
  );
  await eventually(
    "another connection",
    async () => {
      // One that was on its way already is refused, unseen.
      await connection.unary(range, request, options).catch((error) => assert.equal(error.code, status.UNAVAILABLE));
      return sessions.size;
    },
    (count) => count === 2,
  );
  answerFirst?.();
  await begun;
});

test("a connection on which nothing is under way is let go of when the server goes away, whatever that does with it", async (t) => {
  const { sessions, endpoint } = await connectTo(t, (stream) => answer(stream, empty));
  const [host, port] = endpoint.split(":");
  const socket = connect({ host, port: Number(port) });
  const channel = new Http2Channel(`http://${endpoint}`, () => socket);
  await new Connection(endpoint, systemClock, () => channel).unary(range, request, options);
  const [session] = sessions;
  assert.ok(session);
  // It keeps its own side open.
  session.socket.allowHalfOpen = true;
  session.goaway();
  await within(5_000, "the end of the socket", once(socket, "close"));
  assert.equal(channel.isOpen, false);
});

test("after a connection broke, the next call makes another", async (t) => {
  let isBroken = false;
  const { connection, sessions } = await connectTo(t, (stream) => {
    if (isBroken) answer(stream, empty);
    else stream.session?.destroy();
  });
  await assert.rejects(connection.unary(range, request, options), (error) => {
    assert.ok(error instanceof GrpcError);
    assert.equal(error.code, status.UNAVAILABLE);
    return true;
  });
  isBroken = true;
  await connection.unary(range, request, options);
  assert.equal(sessions.size, 2);
});

test("two answers to one request are none", async (t) => {
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), Buffer.from([0, 0, 0, 0, 0])]);
  const { connection } = await connectTo(t, (stream) => answerRaw(stream, message));
  await assert.rejects(connection.unary(range, request, options), { code: status.INTERNAL });
});

test("a stream that was cancelled says nothing more", async (t) => {
  const { connection } = await connectTo(t, (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    const send = (): boolean => !stream.destroyed && stream.write(Buffer.alloc(5), () => setImmediate(send));
    send();
  });
  let heard = 0;
  await new Promise<void>((resolve) => {
    const stream = connection.stream(watch, {}, { onResponse, onEnd: () => assert.fail("it was cancelled") });
    function onResponse(): void {
      heard += 1;
      stream.cancel();
      setTimeout(resolve, 200);
    }
    stream.send(request);
  });
  assert.equal(heard, 1);
});

test("a connection on which nothing is under way does not keep a program alive", async (t) => {
  const { endpoint } = await connectTo(t, (stream) => answer(stream, empty));
  const program = `
    import { connectDirectly } from "#dist/etcd/connect-directly.js";
    import { RangeRequest, RangeResponse } from "#dist/etcd/gen/etcd.js";
    const range = { path: "${range.path}", request: RangeRequest, response: RangeResponse };
    const connection = connectDirectly("${endpoint}");
    await connection.unary(range, RangeRequest.fromPartial({}), { timeoutMs: 20_000, signal: undefined });
    console.log("answered");`;
  const words = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: 60_000 });
  assert.equal(stdout, "answered\n");
});

for (const host of ["node.1:2379", "10.0.0.1.5:2379", ":2379"]) {
  test(`what is no host fails as an endpoint that does not answer: ${host}`, async () => {
    const connection = connectDirectly(host);
    await assert.rejects(connection.unary(range, request, options), { code: status.UNAVAILABLE });
    const ended = new Promise((resolve) => {
      connection.stream(watch, {}, { onResponse: () => assert.fail("nobody is there"), onEnd: resolve });
    });
    assert.ok((await ended) instanceof GrpcError);
  });
}

test("a connection in the making that is given up does not keep a program alive", async () => {
  const program = `
    import { connectDirectly } from "#dist/etcd/connect-directly.js";
    import { RangeRequest, RangeResponse } from "#dist/etcd/gen/etcd.js";
    const range = { path: "${range.path}", request: RangeRequest, response: RangeResponse };
    // An address of which nothing ever comes back (RFC 5737).
    const connection = connectDirectly("192.0.2.1:2379");
    const call = connection.unary(range, RangeRequest.fromPartial({}), { timeoutMs: 300, signal: undefined });
    await call.catch((error) => console.log(error.constructor.name));`;
  const words = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: 60_000 });
  assert.equal(stdout, "GrpcError\n");
});
