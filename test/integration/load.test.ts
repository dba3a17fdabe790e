import assert from "node:assert/strict";
import { test } from "node:test";
import { runLoad } from "../soak/run-load.ts";

test("hundreds of held locks, and fifty waiters in one line, get over a restart of every member", async () => {
  const { lost, served, servedOutOfTurn } = await runLoad({ locks: 300, waiters: 50 });
  assert.deepEqual({ lost, served, servedOutOfTurn }, { lost: 0, served: 50, servedOutOfTurn: 0 });
});
