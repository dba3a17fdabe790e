import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { allFaults } from "../../faults/faults/all-faults.ts";
import { mutants } from "../../faults/mutants/all-mutants.ts";
import { buildMutant } from "../../faults/mutants/build-mutant.ts";
import { rootFolder } from "../../provision/root-folder.ts";

async function build(
  t: { after: (end: () => Promise<void>) => void },
  mutant: (typeof mutants)[number],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-mutant-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await buildMutant(rootFolder, folder, mutant);
  return folder;
}

describe("a mutant of the fault test", () => {
  for (const mutant of mutants) {
    it(`can be made of the code as it is, and loaded: ${mutant.name}`, async (t) => {
      const folder = await build(t, mutant);
      const library: object = await import(pathToFileURL(join(folder, "dist/index.js")).href);
      assert.ok("LockManager" in library);
    });

    it(`is brought to light by faults that there are: ${mutant.name}`, () => {
      const names = allFaults.map(({ name }) => name);
      assert.deepEqual(
        mutant.faults.filter((fault) => !names.includes(fault)),
        [],
      );
    });
  }

  it("is refused when the code that it changes is not there", async (t) => {
    const file = "line/turn.js";
    const lost = { name: "lost", text: "", faults: [], mutations: [{ file, find: "not in this file", replace: "" }] };
    await assert.rejects(
      build(t, lost),
      /mutant lost: dist\/line\/turn\.js has 0 times, and not once: not in this file/,
    );
  });
});
