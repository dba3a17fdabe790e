import type { Session } from "../session/session.ts";
import { type EntryValue, formatEntryValue } from "./entry-value.ts";
import type { Follower } from "./follower.ts";
import type { LineName } from "./line-name.ts";

/** A place in a line that is being asked for: its keys are known, whether etcd has them is not. */
export interface Application {
  readonly line: LineName;
  readonly session: Session;
  /** Tells our entries apart from everybody's. */
  readonly suffix: string;
  readonly value: EntryValue;
  /** Whose leases it is being moved to; whether it has been already is not known. */
  readonly movingTo?: Session;
}

/** A place in a line that etcd has given. */
export interface Entry extends Application {
  /** Decides the place, and that the entry is ours. */
  readonly createRevision: bigint;
  /** Of our own last write: another means that somebody else wrote it. */
  readonly modRevision: bigint;
  /** Whether every try of entering the line has been answered: none can be carried out late. */
  readonly isSettled: boolean;
}

/** The entry that etcd made of an application; `modRevision` is that of our own write. */
export function enteredAs(
  { line, session, suffix, value }: Application,
  { createRevision, modRevision }: Pick<Entry, "createRevision" | "modRevision">,
  isSettled: boolean,
): Entry {
  return { line, session, suffix, value, createRevision, modRevision, isSettled };
}

/** An entry that is inside. */
export interface Admission {
  readonly entry: Entry;
  /** The revision at which its hold record was created. Grows from holder to holder of a name. */
  readonly fencingToken: bigint;
  /** When the transaction that admitted it was sent, by {@link Clock.now}, at the earliest: its first touch. */
  readonly touchedAt: number;
  /** Who stood just behind it in line when it last looked, if that is an exclusive waiter of ours. */
  readonly follower?: Follower | undefined;
}

/**
 * An entry that was admitted by a request whose answer we did not get, or on our behalf. When that was sent is not known,
 * but that it was not before `notBefore`; where nothing is known, it has to be touched before anything can rest on it.
 */
export function admittedUnawares(
  entry: Entry,
  record: { readonly createRevision: bigint },
  notBefore: number = Number.NEGATIVE_INFINITY,
): Admission {
  return { entry, fencingToken: record.createRevision, touchedAt: notBefore };
}

export function entryKey({ line, suffix }: Application): string {
  return line.entryKey(suffix);
}

export function recordKey({ line, suffix }: Application): string {
  return line.recordKey(suffix);
}

/** What an entry says: who its owner is, or, of a candidate in an election, what it proposes. */
export function entryText(value: EntryValue): string {
  return value.proposal ?? formatEntryValue(value);
}

/** What the hold record of an entry says: as the entry, and which place it belongs to. */
export function recordValue({ value, createRevision }: Pick<Entry, "value" | "createRevision">): string {
  return formatEntryValue({ ...value, place: createRevision });
}
