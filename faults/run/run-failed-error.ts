/** A run cannot be made, or cannot go on, for reasons that say nothing about locks. */
export class RunFailedError extends Error {
  override readonly name = "RunFailedError";
}
