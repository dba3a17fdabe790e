import type { Mutant } from "./mutant.ts";

/** What clients of etcd get wrong, each of which has been seen in some lock. */
export const mutants: readonly Mutant[] = [
  {
    name: "deadline-from-receipt",
    text: "a renewal counts from when its answer came, not from when it was sent",
    mutations: [
      {
        file: "etcd/endpoint-rotation.js",
        find: "return { response, sentAt, unsettled: tries > 0 };",
        replace: "return { response, sentAt: this.#clock.now(), unsettled: tries > 0 };",
      },
    ],
    faults: ["slow-answers-then-cut", "machine-cut-off"],
  },
  {
    name: "deadline-ignored",
    text: "a lock that could not be renewed is held on, until etcd says that it is gone",
    mutations: [
      {
        file: "line/hold.js",
        find: "const deadline = Math.min(this.#touchedAt, renewedAt) + holdTimeMs(ttl);",
        replace: "const deadline = Math.min(this.#touchedAt, renewedAt) + holdTimeMs(ttl) + 1e8;",
      },
    ],
    faults: ["machine-cut-off", "lease-revoked-behind-cut"],
  },
  {
    name: "release-by-name",
    text: "a lock is given back by its name: whatever stands in its line goes",
    mutations: [
      {
        file: "line/leave-lines.js",
        find: "const [entry, record] = [remove(entryKey(place)), remove(recordKey(place))];",
        replace:
          "const [entry, record] = ['entries', 'records'].map((keys) => ({ kind: 'delete', ...place.line[keys] }));",
      },
      {
        file: "etcd/encode-transaction.js",
        find: "function encodeDelete({ key }, writer) {",
        replace:
          "function encodeDelete({ key, rangeEnd = '' }, writer) {\n    writer.uint32(rangeTags.rangeEnd).string(rangeEnd);",
      },
    ],
    faults: ["machine-cut-off", "client-freeze"],
  },
  {
    name: "no-check-after-waiting",
    text: "a waiter enters when nobody is ahead any more, without looking whether it still stands in line",
    mutations: [
      {
        file: "line/turn.js",
        find: 'if (view.own?.modRevision !== entry.modRevision)\n        return { kind: "gone" };',
        replace: "",
      },
      {
        file: "line/confirm-admission.js",
        find: "            writtenAt(entryKey(entry), entry.modRevision),\n            createdAt(recordKey(entry), 0n),",
        replace: "            createdAt(recordKey(entry), 0n),",
      },
    ],
    faults: ["entry-deleted"],
  },
  {
    name: "no-hold-record",
    text: "a lease is all that keeps others out: hold records are not looked at",
    mutations: [
      {
        file: "line/turn.js",
        find: "return records.filter(({ suffix }) => !present.has(suffix));",
        replace: "return [];",
      },
      {
        file: "line/confirm-admission.js",
        find: "createRevision), createdAt(records.key, 0n, records.rangeEnd)];",
        replace: "createRevision)];",
      },
      {
        file: "line/enter-lines.js",
        find: "            createdAt(records.key, 0n, records.rangeEnd),\n",
        replace: "",
      },
    ],
    faults: ["lease-revoked-behind-cut", "leader-pause"],
  },
  {
    name: "watch-without-read",
    text: "what is ahead is watched from now on, and what happened before is not read; nor is the line, later",
    mutations: [
      {
        file: "line/wait-for-turn.js",
        find: "onConfirmed: (revision) => this.#catchUp(revision),",
        replace: "onConfirmed: () => { },",
      },
      {
        file: "line/wait-for-turn.js",
        find: "const readIntervalMs = { next: 1_000, others: 10_000 };",
        replace: "const readIntervalMs = { next: 1_000_000, others: 1_000_000 };",
      },
    ],
    faults: ["half-open", "reset-before-answer"],
  },
];
