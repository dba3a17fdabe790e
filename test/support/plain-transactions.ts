import type { Method } from "#dist/etcd/connection.js";
import { TxnRequest, TxnResponse } from "#dist/etcd/gen/etcd.js";
import { txn } from "#dist/etcd/methods.js";

/** Transactions as etcd's own messages say them: also what this package never asks for. */
export const plainTxn: Method<TxnRequest, TxnResponse> = {
  path: txn.path,
  request: TxnRequest,
  response: TxnResponse,
};
