import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** One change of the compiled code, by which it does something wrong. */
export interface Mutation {
  /** What the broken code does. */
  readonly what: string;
  /** Below `dist/`. */
  readonly file: string;
  /** Must be there exactly once. */
  readonly from: string;
  readonly to: string;
}

/** How a program ended, and what it said. */
export interface Ending {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the program in a folder of tests with a copy of the compiled package in which one thing is broken. */
export async function runMutant(
  { file, from, to }: Mutation,
  tests: "model" | "simulation",
  words: readonly string[],
): Promise<Ending> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-mutant-"));
  try {
    for (const part of ["package.json", "dist", `build/test/${tests}`, "build/test/support"]) {
      await cp(join(root, part), join(folder, part), { recursive: true });
    }
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    const path = join(folder, "dist", file);
    const parts = (await readFile(path, "utf8")).split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${from}`);
    await writeFile(path, parts.join(to));
    return await run([join(folder, "build/test", tests, "main.js"), ...words]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(words: readonly string[]): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words);
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
