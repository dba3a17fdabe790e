import type { Comparison, Operation } from "../etcd/transaction.ts";
import { show } from "../show.ts";
import type { Guarded } from "./hold-transactions.ts";

/** What a transaction may ask for, by name. */
const operationKinds = ["put", "delete", "range", "transaction"] as const satisfies readonly Operation["kind"][];
const targets = ["create-revision", "mod-revision", "lease"] as const satisfies readonly Comparison["of"][];
const relations = ["equal", "greater", "less"] as const satisfies readonly Comparison["is"][];

/** @throws TypeError that names the field, what came and what is allowed. */
export function checkGuarded(guarded: Guarded): Guarded {
  const { compare, success } = checkObject("what to do while the lock is held", guarded);
  for (const comparison of checkArray("compare", compare)) checkComparison(comparison);
  for (const operation of checkArray("success", success)) checkOperation(operation);
  return guarded;
}

function checkComparison(comparison: Comparison): void {
  const { key, of, is, to } = checkObject("compare", comparison);
  checkKey(key);
  checkWord("of", of, targets);
  checkWord("is", is, relations);
  if (typeof to !== "bigint") throw new TypeError(`to must be a bigint; got ${show(to)}`);
}

function checkOperation(operation: Operation): void {
  checkWord("kind", checkObject("success", operation).kind, operationKinds);
  if (operation.kind !== "transaction") {
    checkKey(operation.key);
    return;
  }
  const { failure } = checkObject("transaction", operation.transaction);
  checkGuarded(operation.transaction);
  checkGuarded({ compare: [], success: checkArray("failure", failure) });
}

function checkObject<T>(field: string, value: T): T {
  if (typeof value === "object" && value !== null) return value;
  throw new TypeError(`${field} must be an object; got ${show(value)}`);
}

function checkArray<T>(field: string, values: readonly T[]): readonly T[] {
  if (Array.isArray(values)) return values;
  throw new TypeError(`${field} must be an array; got ${show(values)}`);
}

function checkKey(key: unknown): void {
  if (typeof key === "string" && key !== "") return;
  throw new TypeError(`key must be a string that is not empty; got ${show(key)}`);
}

function checkWord(field: string, word: string, allowed: readonly string[]): void {
  if (allowed.includes(word)) return;
  throw new TypeError(`${field} must be one of ${allowed.map(show).join(", ")}; got ${show(word)}`);
}
