import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { within } from "../support/eventually.ts";
import { startProxy, type TcpProxy } from "../support/tcp-proxy.ts";

interface Setting {
  readonly proxy: TcpProxy;
  /** How many bytes have reached the server. */
  readonly received: () => number;
  readonly dial: () => Promise<Socket>;
}

/** A server that counts the bytes it gets and sends them back, behind a proxy. */
async function setUp(t: TestContext): Promise<Setting> {
  let received = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      received += bytes.length;
      socket.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port }: AddressInfo = server.address() as AddressInfo;
  const proxy = await startProxy(`127.0.0.1:${port}`);
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.on("error", () => undefined).destroy();
    await proxy.close();
    server.close();
  });
  const dial = async () => {
    const socket = connect({ host: "127.0.0.1", port: Number(proxy.endpoint.split(":")[1]) });
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };
  return { proxy, received: () => received, dial };
}

async function readText(socket: Socket): Promise<string> {
  const [bytes] = await within(2_000, "an answer", once(socket, "data"));
  return String(bytes);
}

test("what passes is answered, and connections are counted", async (t) => {
  const { proxy, dial } = await setUp(t);
  const socket = await dial();
  socket.write("hello");
  assert.equal(await readText(socket), "hello");
  assert.deepEqual([proxy.accepted, proxy.open], [1, 1]);
});

test("a cut resets what is open and refuses what is new, and after resume the same endpoint serves again", async (t) => {
  const { proxy, dial } = await setUp(t);
  const socket = await dial();
  socket.write("hello");
  await readText(socket);
  const broken = once(socket, "error");
  proxy.cut();
  const [error] = await within(2_000, "the reset", broken);
  assert.equal(error.code, "ECONNRESET");
  await assert.rejects(dial, { code: "ECONNREFUSED" });
  await proxy.resume();
  const next = await dial();
  next.write("again");
  assert.equal(await readText(next), "again");
});

test("while held, nothing passes on old and new connections, and all of it arrives afterwards, once", async (t) => {
  const { proxy, dial, received } = await setUp(t);
  const old = await dial();
  old.write("1");
  await readText(old);
  proxy.hold();
  const young = await dial();
  let early = "";
  for (const socket of [old, young]) socket.on("data", (bytes) => (early += String(bytes)));
  old.write("22");
  young.write("333");
  await delay(100);
  assert.deepEqual([early, received()], ["", 1]);
  const answers = Promise.all([readText(old), readText(young)]);
  await proxy.resume();
  await proxy.resume();
  assert.deepEqual(await answers, ["22", "333"]);
  assert.equal(received(), 6);
});

test("while answers are dropped, requests arrive, and resume resets the connections that miss answers", async (t) => {
  const { proxy, dial, received } = await setUp(t);
  const socket = await dial();
  let early = "";
  socket.on("data", (bytes) => (early += String(bytes)));
  proxy.dropAnswers();
  socket.write("request");
  await delay(100);
  assert.deepEqual([early, received()], ["", 7]);
  const broken = once(socket, "error");
  await proxy.resume();
  const [error] = await within(2_000, "the reset", broken);
  assert.equal(error.code, "ECONNRESET");
});

test("a stranded connection stays open and silent for good, and new ones pass", async (t) => {
  const { proxy, dial, received } = await setUp(t);
  const socket = await dial();
  socket.write("hello");
  await readText(socket);
  proxy.strand();
  let late = "";
  socket.on("data", (bytes) => (late += String(bytes)));
  socket.write("lost");
  const next = await dial();
  next.write("again");
  assert.equal(await readText(next), "again");
  await proxy.resume();
  await delay(100);
  assert.deepEqual([late, received(), socket.destroyed], ["", 10, false]);
});

test("a server that ends the connection ends it for the client", async (t) => {
  const { dial } = await setUp(t);
  const socket = await dial();
  const ended = once(socket, "end");
  socket.resume();
  socket.end("bye");
  await within(2_000, "the end", ended);
});
