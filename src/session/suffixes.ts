/** In so many lines the suffixes that can be used again are remembered. */
const mostLines = 1_000;

/** The suffixes of the places that stand, or may stand, on the leases of a session. */
export class Suffixes {
  readonly #first: string;
  readonly #active = new Set<string>();
  readonly #parked = new Set<string>();
  readonly #adopted = new Set<string>();
  /** What can be used again, by line. */
  readonly #free = new Map<string, string[]>();
  #isSweeping = false;
  /** The only line in which the first suffix, which is the lease's id, was ever given. */
  #lineOfFirst: string | undefined;
  #count = 0;

  constructor(leaseId: bigint) {
    this.#first = leaseId.toString(16);
  }

  /**
   * A suffix that was never given, or was given in the same line and {@link Suffixes.giveBackClean|given back clean}: etcd
   * keeps a note of every key that ever was, until it compacts them, and looks at those of a line each time it is entered.
   * `line`: what the keys of its entries begin with, `/` included.
   */
  take(line: string): string {
    const suffix = this.#free.get(line)?.pop() ?? this.#makeNew();
    if (suffix === this.#first) this.#lineOfFirst = line;
    this.#active.add(suffix);
    return suffix;
  }

  /** One of another session stands on these leases, too. */
  adopt(suffix: string): void {
    this.#active.add(suffix);
    this.#adopted.add(suffix);
  }

  /** Its keys are left alone, and nothing waits for it. */
  park(suffix: string): void {
    if (this.#active.delete(suffix)) this.#parked.add(suffix);
  }

  giveBack(suffix: string): void {
    this.#active.delete(suffix);
    this.#parked.delete(suffix);
  }

  /**
   * Its keys in `line` are gone, and every request that could still write or remove them, whatever they are then, has been
   * answered. If one had not, it could, carried out late, be mistaken for one of the next place.
   */
  giveBackClean(suffix: string, line: string): void {
    this.giveBack(suffix);
    if (!(suffix === this.#first || this.#isNumbered(suffix)) || this.#isSweeping) return;
    const free = this.#free.get(line) ?? [];
    free.push(suffix);
    this.#free.delete(line);
    this.#free.set(line, free);
    const [oldest] = this.#free.keys();
    if (this.#free.size > mostLines && oldest !== undefined) this.#free.delete(oldest);
  }

  /** Keys that seem to be nobody's are going to be removed: what is given from now on must never have been theirs. */
  async whileSweeping(sweep: () => Promise<void>): Promise<void> {
    this.#free.clear();
    this.#isSweeping = true;
    try {
      await sweep();
    } finally {
      this.#isSweeping = false;
    }
  }

  /**
   * Whether a key on these leases is of a place that nobody has any more. Whoever holds a lock may bind keys of its own to
   * the lease, and name them after it: they are none.
   */
  isGhost(key: string): boolean {
    const suffix = key.slice(Math.max(key.lastIndexOf("/"), key.lastIndexOf("!")) + 1);
    if (this.#active.has(suffix) || this.#parked.has(suffix)) return false;
    if (this.#isNumbered(suffix) || this.#adopted.has(suffix)) return true;
    const line = this.#lineOfFirst;
    return line !== undefined && (key === line + this.#first || key === `${line.slice(0, -1)}!${this.#first}`);
  }

  /** Whether somebody stands in a line, or holds a lock, with it. */
  isActive(suffix: string): boolean {
    return this.#active.has(suffix);
  }

  get isAnyActive(): boolean {
    return this.#active.size > 0;
  }

  get isEmpty(): boolean {
    return this.#active.size + this.#parked.size === 0;
  }

  #isNumbered(suffix: string): boolean {
    return suffix.startsWith(`${this.#first}-`);
  }

  #makeNew(): string {
    this.#count += 1;
    return this.#count === 1 ? this.#first : `${this.#first}-${this.#count.toString(36)}`;
  }
}
