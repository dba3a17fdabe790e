/** Somebody else has the lock, and we were not to wait any longer. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  /** That somebody is dead: nobody does the job, and whoever looks has to know. */
  readonly isHolderDead: boolean;

  constructor(message: string, { isHolderDead = false, ...options }: ErrorOptions & { isHolderDead?: boolean } = {}) {
    super(message, options);
    this.isHolderDead = isHolderDead;
  }
}
