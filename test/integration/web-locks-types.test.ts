import assert from "node:assert/strict";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { startProgram } from "../support/programs.ts";

const root = new URL("../../../", import.meta.url);

it("a program written against TypeScript's own types of navigator.locks compiles with a LockManager", async () => {
  const words = ["node_modules/typescript/bin/tsc", "--project", "test/support/web-locks-dom"];
  const compiler = startProgram(process.execPath, words, { folder: fileURLToPath(root) });
  const { code } = await compiler.end(60_000);
  assert.equal(compiler.stdout + compiler.stderr, "");
  assert.equal(code, 0);
});
