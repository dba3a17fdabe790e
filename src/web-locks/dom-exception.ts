/** What the Web Locks standard rejects with when something is asked for that cannot be. */
export function notSupportedError(message: string): Error {
  return new DOMException(message, { name: "NotSupportedError" });
}

/** What the Web Locks standard rejects with when a held lock was stolen. `cause` tells more. */
export function abortError(message: string, cause: unknown): Error {
  return new DOMException(message, { name: "AbortError", cause });
}
