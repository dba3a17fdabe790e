import assert from "node:assert/strict";
import { defaultMaxListeners, setMaxListeners } from "node:events";
import { describe, it } from "node:test";
import { onAbort } from "#dist/abort.js";

describe("listening for the abort of a signal", () => {
  for (const limit of [0, 3, defaultMaxListeners]) {
    it(`works with a signal whose owner allows ${limit === 0 ? "any number of" : limit} listeners`, () => {
      const controller = new AbortController();
      setMaxListeners(limit, controller.signal);
      const reasons: unknown[] = [];
      onAbort(controller.signal, (reason) => reasons.push(reason));
      const stop = onAbort(controller.signal, () => assert.fail("no longer listened for"));
      stop();
      controller.abort("enough");
      onAbort(controller.signal, (reason) => reasons.push(reason));
      assert.deepEqual(reasons, ["enough", "enough"]);
    });
  }
});
