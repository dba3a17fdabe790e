import { it, type TestContext } from "node:test";
import { closedGate } from "../gate.ts";

/** `Lock` of the Web Locks standard. */
export interface WebLock {
  readonly name: string;
  readonly mode: "exclusive" | "shared";
}

export type WebLockCallback<T> = (lock: WebLock | null) => T;

/** `LockOptions` of the Web Locks standard. */
export interface WebLockOptions {
  mode?: "exclusive" | "shared";
  ifAvailable?: boolean;
  steal?: boolean;
  signal?: AbortSignal;
}

/** `LockInfo` of the Web Locks standard. */
export interface WebLockInfo {
  name?: string;
  mode?: "exclusive" | "shared";
  clientId?: string;
}

/** `LockManager` of the Web Locks standard: `navigator.locks`, or what can stand for it. */
export interface WebLocksApi {
  request<T>(name: string, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  request<T>(name: string, options: WebLockOptions, callback: WebLockCallback<T>): Promise<Awaited<T>>;
  query(): Promise<{ held?: WebLockInfo[]; pending?: WebLockInfo[] }>;
}

/** An implementation as the conformance tests see it. */
export interface WebLocksUnderTest {
  readonly title: string;
  /** Why it cannot be tested here. */
  readonly skip?: string | false;
  /** A stolen lock is granted before those who waited already, as in the standard. */
  readonly stealJumpsQueue: boolean;
  /** Whether requests of different clients are told apart: then `others` is another client. */
  readonly hasSeveralClients: boolean;
  /** Titles of tests in which it does not follow the standard, each with what it does instead. */
  readonly deviations?: Readonly<Record<string, string>>;
  setUp(t: TestContext): WebLocksSetting;
}

/** What one test needs. */
export interface WebLocksSetting {
  readonly locks: WebLocksApi;
  /** Whoever else is there. */
  readonly others: WebLocksApi;
  /** A name that no other test uses. */
  readonly name: string;
}

/** Defines a test that every implementation has to pass. */
export function itConforms(
  subject: WebLocksUnderTest,
  title: string,
  test: (setting: WebLocksSetting) => Promise<void>,
): void {
  const deviation = subject.deviations?.[title];
  it(title, { skip: deviation ?? false }, (t) => test(subject.setUp(t)));
}

/** A lock that is held, or asked for, until {@link Hold.end}. */
export interface Hold {
  /** The lock, when it is granted. */
  readonly granted: Promise<WebLock | null>;
  /** How the request ended. */
  readonly done: Promise<string>;
  /** Has the callback return `done`. */
  end(): void;
}

/** Requests a lock whose callback goes on until it is told to end. */
export function hold(locks: WebLocksApi, name: string, options: WebLockOptions = {}): Hold {
  const { opened, open } = closedGate();
  let settle: { granted(lock: WebLock | null): void; failed(error: unknown): void } | undefined;
  const granted = new Promise<WebLock | null>((resolve, reject) => {
    settle = { granted: resolve, failed: reject };
  });
  granted.catch(() => undefined);
  const done = locks.request(name, options, (lock) => {
    settle?.granted(lock);
    return opened.then(() => "done");
  });
  done.catch((error: unknown) => settle?.failed(error));
  return { granted, done, end: open };
}

/** Requests with whatever a program in JavaScript may give. */
export function requestAnyhow(locks: WebLocksApi, ...words: unknown[]): Promise<unknown> {
  const request: (...words: never[]) => Promise<unknown> = locks.request;
  return Reflect.apply(request, locks, words);
}

/** For a callback that must not be called. */
export function unexpected(): never {
  throw new Error("the callback was called");
}

/** The held and the pending locks of one name. */
export async function query(
  locks: WebLocksApi,
  name: string,
): Promise<{ held: WebLockInfo[]; pending: WebLockInfo[] }> {
  const { held = [], pending = [] } = await locks.query();
  const isAsked = (info: WebLockInfo): boolean => info.name === name;
  return { held: held.filter(isAsked), pending: pending.filter(isAsked) };
}
