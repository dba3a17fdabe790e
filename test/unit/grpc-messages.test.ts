import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { frame, longestMessage, MessageReader } from "#dist/grpc/messages.js";
import { GrpcError, status } from "#dist/grpc/status.js";

const messages = fc.array(fc.uint8Array({ maxLength: 40 }));

test("messages come out as they went in, in whatever pieces they arrive", () => {
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (sent, sizes) => {
      const received: Buffer[] = [];
      const reader = new MessageReader((message) => received.push(message));
      const stream = Buffer.concat(sent.map(frame));
      for (let from = 0, index = 0; from < stream.length; index += 1) {
        const to = from + (sizes[index % sizes.length] ?? 1);
        reader.read(stream.subarray(from, to));
        from = to;
      }
      assert.deepEqual(received, sent.map(Buffer.from));
      assert.equal(reader.isInMessage, false);
    }),
  );
});

test("a stream that ends within a message is known", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(), (message, cut) => {
      const stream = frame(message);
      const reader = new MessageReader(() => assert.fail("it has not come to its end"));
      reader.read(stream.subarray(0, 1 + (cut % (stream.length - 1))));
      assert.equal(reader.isInMessage, true);
    }),
  );
});

test("a compressed message is refused", () => {
  const reader = new MessageReader(() => assert.fail("nobody can read it"));
  assert.throws(() => reader.read(Buffer.from([1, 0, 0, 0, 1, 0])), GrpcError);
});

test("a message that is too long is refused as soon as it says so", () => {
  const reader = new MessageReader(() => assert.fail("it has not come"));
  const length = Buffer.alloc(5);
  length.writeUInt32BE(longestMessage, 1);
  reader.read(length);
  const another = new MessageReader(() => assert.fail("it has not come"));
  length.writeUInt32BE(longestMessage + 1, 1);
  assert.throws(() => another.read(length), {
    code: status.RESOURCE_EXHAUSTED,
    message: "the answer is too long: 268435457 bytes, and at most 268435456 are read",
  });
});
