import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Mutant, Mutation } from "./mutant.ts";

/**
 * Copies the compiled package in `root` into `folder`, with the changes of a mutant. @throws Error when the code to change is
 * not there exactly once: then the mutant has to follow the code.
 */
export async function buildMutant(root: string, folder: string, mutant: Mutant): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(root, "dist"), join(folder, "dist"), { recursive: true });
  await cp(join(root, "package.json"), join(folder, "package.json"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  for (const mutation of mutant.mutations) await mutate(join(folder, "dist", mutation.file), mutation, mutant.name);
}

async function mutate(path: string, { file, find, replace }: Mutation, name: string): Promise<void> {
  const code = await readFile(path, "utf8");
  const parts = code.split(find);
  if (parts.length !== 2) {
    throw new Error(`mutant ${name}: dist/${file} has ${parts.length - 1} times, and not once: ${find}`);
  }
  await writeFile(path, parts.join(replace));
}
