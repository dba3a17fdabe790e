import { EtcdRefusedError } from "../errors.ts";
import { show } from "../show.ts";
import type { Operation, Transaction } from "./transaction.ts";

/** What a request does to a key, or to all keys of a range. */
interface Access {
  readonly key: string;
  readonly rangeEnd: string | undefined;
  readonly kind: "read" | "write";
}

/**
 * The same refusal, with the permissions that `transaction` needs: which of them is missing, etcd does not say.
 */
export function explainDenial(
  error: EtcdRefusedError,
  transaction: Transaction,
  user: string | undefined,
): EtcdRefusedError {
  const who = user === undefined ? "we need" : `user ${show(user)} needs`;
  const message = `etcd at ${error.endpoint} refused: permission denied; ${who} ${describeNeeds(transaction)}`;
  return new EtcdRefusedError(message, error.status, error.endpoint, { cause: error });
}

/** A refusal of a client that names no user: etcd finds fault with what it lacks, and does not say what that is. */
export function explainStranger(error: EtcdRefusedError): EtcdRefusedError {
  const message = `${error.message}; this cluster has users, it seems: see the option user`;
  return new EtcdRefusedError(message, error.status, error.endpoint, { cause: error });
}

/** For example `readwrite from "/a/" to "/a0"`: as `etcdctl role grant-permission` takes it. */
function describeNeeds(transaction: Transaction): string {
  const accesses = collectAccesses(transaction);
  const ranges = accesses.filter(({ rangeEnd }) => rangeEnd !== undefined);
  const kindsOf = new Map<string, Set<Access["kind"]>>();
  for (const access of accesses) {
    // A single key goes with the range that it is in.
    const { key, rangeEnd } = ranges.find((range) => contains(range, access.key)) ?? access;
    const where =
      rangeEnd === undefined
        ? `on ${JSON.stringify(key)}`
        : `from ${JSON.stringify(key)} to ${JSON.stringify(rangeEnd)}`;
    kindsOf.set(where, (kindsOf.get(where) ?? new Set()).add(access.kind));
  }
  return [...kindsOf].map(([where, kinds]) => `${kinds.size === 2 ? "readwrite" : [...kinds]} ${where}`).join(", ");
}

function contains({ key, rangeEnd = "" }: Access, other: string): boolean {
  return other >= key && other < rangeEnd;
}

function collectAccesses({ compare, success, failure }: Transaction): readonly Access[] {
  const compared = compare.map(({ key, rangeEnd }): Access => ({ key, rangeEnd, kind: "read" }));
  return [...compared, ...[...success, ...failure].flatMap(accessesOf)];
}

function accessesOf(operation: Operation): readonly Access[] {
  if (operation.kind === "transaction") return collectAccesses(operation.transaction);
  const rangeEnd = operation.kind === "range" ? operation.rangeEnd : undefined;
  return [{ key: operation.key, rangeEnd, kind: operation.kind === "range" ? "read" : "write" }];
}
