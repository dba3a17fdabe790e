/** The suffixes of the places that stand, or may stand, on the leases of a session. */
export class Suffixes {
  readonly #first: string;
  readonly #active = new Set<string>();
  readonly #parked = new Set<string>();
  #count = 0;

  constructor(leaseId: bigint) {
    this.#first = leaseId.toString(16);
  }

  /** Never the same twice, so that a request of an earlier place, carried out late, cannot be mistaken for this one's. */
  take(): string {
    this.#count += 1;
    const suffix = this.#count === 1 ? this.#first : `${this.#first}-${this.#count.toString(36)}`;
    this.#active.add(suffix);
    return suffix;
  }

  /** One of another session stands on these leases, too. */
  adopt(suffix: string): void {
    this.#active.add(suffix);
  }

  /** Its keys are left alone, and nothing waits for it. */
  park(suffix: string): void {
    if (this.#active.delete(suffix)) this.#parked.add(suffix);
  }

  giveBack(suffix: string): void {
    this.#active.delete(suffix);
    this.#parked.delete(suffix);
  }

  has(suffix: string): boolean {
    return this.#active.has(suffix) || this.#parked.has(suffix);
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
}
