import assert from "node:assert/strict";
import { test } from "node:test";
import { Suffixes } from "#dist/session/suffixes.js";

test("keys of places that nobody has any more are ghosts; those of places that are had, and keys of the caller's own, are none", () => {
  const suffixes = new Suffixes(0x1fn);
  const [first, second] = [suffixes.take("/a/"), suffixes.take("/b/")];
  assert.deepEqual([first, second], ["1f", "1f-2"]);
  const keys = ["/a/1f", "/a!1f", "/b/1f-2", "/b!1f-2"];
  const others = ["/members/1f", "/a/members/1f", "/members!1f", "/members/me", "/a/1", "/a/1f-", "1f"];
  assert.deepEqual(
    keys.filter((key) => suffixes.isGhost(key)),
    [],
  );
  suffixes.giveBack(first);
  suffixes.park(second);
  assert.deepEqual(
    keys.filter((key) => suffixes.isGhost(key)),
    ["/a/1f", "/a!1f"],
  );
  suffixes.giveBack(second);
  suffixes.adopt("2e");
  suffixes.giveBack("2e");
  assert.deepEqual(
    [...keys, "/c/2e"].filter((key) => suffixes.isGhost(key)),
    [...keys, "/c/2e"],
  );
  assert.deepEqual(
    others.filter((key) => suffixes.isGhost(key)),
    ["/a/1f-"],
  );
});
