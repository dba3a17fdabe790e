/** So many names are remembered that nobody here asks for any more. */
export const mostIdleNames = 256;

/** The names that locks are being, or have lately been, requested for. */
export class RequestedNames {
  /** With the number of requests that are not over. */
  readonly #inUse = new Map<string, number>();
  /** The others, the latest last. */
  readonly #idle = new Set<string>();

  /** A request begins. It ends when the result is disposed. */
  use(name: string): Disposable {
    this.#idle.delete(name);
    this.#inUse.set(name, (this.#inUse.get(name) ?? 0) + 1);
    return { [Symbol.dispose]: () => this.#end(name) };
  }

  /** All of them, each once. */
  list(): readonly string[] {
    return [...this.#inUse.keys(), ...this.#idle];
  }

  #end(name: string): void {
    const requests = (this.#inUse.get(name) ?? 0) - 1;
    if (requests > 0) {
      this.#inUse.set(name, requests);
      return;
    }
    this.#inUse.delete(name);
    this.#idle.add(name);
    const [oldest] = this.#idle;
    if (oldest !== undefined && this.#idle.size > mostIdleNames) this.#idle.delete(oldest);
  }
}
