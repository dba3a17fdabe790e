import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutation } from "./mutations.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** How a simulation ended, and what it said. */
export interface Ending {
  readonly code: number | null;
  readonly output: string;
}

/** Simulates a copy of the compiled package in which one thing is broken, seed after seed, `seeds` at most. */
export async function simulateMutant({ file, from, to }: Mutation, seeds: number): Promise<Ending> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-mutant-"));
  try {
    for (const part of ["package.json", "dist", "build/test/simulation", "build/test/support/random.js"]) {
      await cp(join(root, part), join(folder, part), { recursive: true });
    }
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    const path = join(folder, "dist", file);
    const parts = (await readFile(path, "utf8")).split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${from}`);
    await writeFile(path, parts.join(to));
    return await run(folder, ["--seed", "1", "--seeds", `${seeds}`, "--seconds", "300"]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(folder: string, words: readonly string[]): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, "build/test/simulation/main.js"), ...words]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
