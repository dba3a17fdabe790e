import { GrpcError, status } from "./status.ts";

/** Whether it is compressed, in one byte, and its length, in four. */
const prefixBytes = 5;

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

  /** @throws GrpcError when it is no message that we can read. */
  read(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#wanted) return;
    let rest = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    for (;;) {
      this.#wanted = prefixBytes;
      if (rest.length < prefixBytes) break;
      if (rest[0] !== 0) throw new GrpcError(status.INTERNAL, "a compressed message came, and none was asked for");
      this.#wanted = prefixBytes + rest.readUInt32BE(1);
      if (rest.length < this.#wanted) break;
      this.#onMessage(rest.subarray(prefixBytes, this.#wanted));
      rest = rest.subarray(this.#wanted);
    }
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}
