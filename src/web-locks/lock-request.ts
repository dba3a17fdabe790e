import type { HeldLock, LockMode } from "../held-lock.ts";
import { checkMode, checkSignal } from "../lock-options.ts";
import { show } from "../show.ts";
import { notSupportedError } from "./dom-exception.ts";

/** Runs while the lock is held: until what it returns has settled. It gets `null` when the lock is not available. */
export type LockGrantedCallback<T> = (lock: HeldLock | null) => T;

/** The options of `request` in the Web Locks standard. */
export interface LockRequestOptions {
  /** `exclusive` by default. */
  readonly mode?: LockMode | undefined;
  /** Does not wait: the callback gets `null` when the lock is not to be had now. */
  readonly ifAvailable?: boolean | undefined;
  /** Takes the lock away from those who hold it. They are told, and have stopped or been outlived before it is granted. */
  readonly steal?: boolean | undefined;
  /** Ends the wait, and has no effect once the lock is granted. */
  readonly signal?: AbortSignal | undefined;
}

/** What follows the name in a call of `request`. */
export type LockRequestArguments<T> =
  | [callback: LockGrantedCallback<T>]
  | [options: LockRequestOptions, callback: LockGrantedCallback<T>];

/** A call of `request`, converted as Web IDL says, and complete. */
export interface LockRequest<T> {
  readonly name: string;
  readonly mode: LockMode;
  readonly ifAvailable: boolean;
  readonly steal: boolean;
  readonly signal: AbortSignal | undefined;
  readonly callback: LockGrantedCallback<T>;
}

/**
 * Converts and checks the arguments of `request`, in the order of the standard.
 *
 * @throws TypeError when one is not of its type; `DOMException` with the name `NotSupportedError` when the name or a
 * combination of options is refused; the signal's reason when it has aborted.
 */
export function readLockRequest<T>(name: unknown, rest: LockRequestArguments<T>): LockRequest<T> {
  const [options, callback] = rest.length === 1 ? [undefined, rest[0]] : rest;
  // Not String(), which would take a symbol.
  const request = { name: `${name}`, ...readOptions(options), callback };
  if (typeof callback !== "function") throw new TypeError(`callback must be a function; got ${show(callback)}`);
  checkSupport(request);
  request.signal?.throwIfAborted();
  return request;
}

function readOptions(
  options: LockRequestOptions | null | undefined,
): Pick<LockRequest<unknown>, "mode" | "ifAvailable" | "steal" | "signal"> {
  if (options === undefined || options === null) return readOptions({});
  if (typeof options !== "object" && typeof options !== "function") {
    throw new TypeError(`options must be an object; got ${show(options)}`);
  }
  // Web IDL reads the members of a dictionary in the order of their names.
  const ifAvailable = Boolean(options.ifAvailable);
  const { mode } = options;
  return {
    ifAvailable,
    mode: checkMode(mode === undefined ? undefined : `${mode}`),
    signal: checkSignal(options.signal),
    steal: Boolean(options.steal),
  };
}

function checkSupport({ name, mode, ifAvailable, steal, signal }: LockRequest<unknown>): void {
  if (name.startsWith("-")) throw notSupportedError(`a name must not begin with "-"; got ${show(name)}`);
  if (steal && ifAvailable) throw notSupportedError("steal and ifAvailable cannot be asked for together");
  if (steal && mode !== "exclusive") throw notSupportedError("only an exclusive lock can be stolen");
  if (signal !== undefined && (steal || ifAvailable)) {
    throw notSupportedError(`a signal is for waiting, and cannot be given with ${steal ? "steal" : "ifAvailable"}`);
  }
}
