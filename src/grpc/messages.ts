import { GrpcError, status } from "./status.ts";

/** Whether it is compressed, in one byte, and its length, in four. */
const prefixBytes = 5;
/**
 * A longer message would fill the memory of most programs. Lists come whole: of 10,000 locks with the longest ids and
 * metadata, or of half a million ordinary ones.
 */
export const longestMessage: number = 256 * 1024 * 1024;

/** One message, as it travels. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}

/** Puts messages together of the pieces in which they arrive. */
export class MessageReader {
  readonly #onMessage: (message: Buffer) => void;
  #pieces: Buffer[] = [];
  #length = 0;
  #wanted = prefixBytes;

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  /** Whether a message has begun, and not ended. */
  get isInMessage(): boolean {
    return this.#length > 0;
  }

  /** @throws GrpcError when it is no message that we can read, or longer than {@link longestMessage}. */
  read(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#wanted) return;
    let rest = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    for (;;) {
      this.#wanted = prefixBytes;
      if (rest.length < prefixBytes) break;
      if (rest[0] !== 0) throw new GrpcError(status.INTERNAL, "a compressed message came, and none was asked for");
      this.#wanted = prefixBytes + checkLength(rest.readUInt32BE(1));
      if (rest.length < this.#wanted) break;
      this.#onMessage(rest.subarray(prefixBytes, this.#wanted));
      rest = rest.subarray(this.#wanted);
    }
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}

function checkLength(bytes: number): number {
  if (bytes <= longestMessage) return bytes;
  const words = `the answer is too long: ${bytes} bytes, and at most ${longestMessage} are read`;
  throw new GrpcError(status.RESOURCE_EXHAUSTED, words);
}
