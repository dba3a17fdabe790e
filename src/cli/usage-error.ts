/** The command line, or the environment in its place, is wrong. The message says what, and what is allowed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
