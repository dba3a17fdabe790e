import { write } from "node:fs";

/** So much waits for a slow reader, in characters; what comes beyond that is left out. */
const mostWaiting = 1024 * 1024;

/** A descriptor that others have made non-blocking takes more after a while, in milliseconds. */
const retryMs = 20;

/**
 * Output to a file descriptor that never waits for whoever reads it. Node.js writes to pipes and terminals at once, and
 * stands still when nobody reads them: a pager at rest, or Ctrl-S, would keep locks from being renewed.
 */
export class UnhurriedOutput {
  readonly #descriptor: number;
  #waiting = "";
  #isWriting = false;
  #onIdle: (() => void) | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(text: string): void {
    if (this.#waiting.length + text.length > mostWaiting) return;
    this.#waiting += text;
    if (!this.#isWriting) this.#writeNext();
  }

  /** Calls `listener`, once, when all that waits now has been written, or cannot be. */
  onceIdle(listener: () => void): void {
    if (this.#isWriting) this.#onIdle = listener;
    else listener();
  }

  #writeNext(): void {
    this.#isWriting = this.#waiting !== "";
    if (!this.#isWriting) {
      this.#onIdle?.();
      return;
    }
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = "";
    this.#writeBytes(bytes);
  }

  #writeBytes(bytes: Buffer): void {
    write(this.#descriptor, bytes, (error, written) => {
      if (error?.code === "EAGAIN") setTimeout(() => this.#writeBytes(bytes), retryMs);
      else if (error === null && written < bytes.length) this.#writeBytes(bytes.subarray(written));
      // Nobody may be reading any more: that is no reason to end.
      else this.#writeNext();
    });
  }
}
