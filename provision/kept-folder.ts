import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { etcdCacheFolder } from "#dist/testing/built-etcd.js";

/** Whether what is not there yet may be fetched or built; so by default. */
export interface FetchOptions {
  readonly mayFetch?: boolean;
}

/** Where a folder of this name is kept, over clones and runs: beside the etcd that was built. */
export function keptPath(name: string): string {
  return join(etcdCacheFolder(), name);
}

/**
 * The path of the folder `name`, made by `make` unless it is there already. It is whole or not there at all, also when two
 * processes make it at once. Rejects as `make` does, and when it may not be made.
 */
export async function keepFolder(
  name: string,
  make: (folder: string) => Promise<unknown>,
  { mayFetch = true }: FetchOptions = {},
): Promise<string> {
  const path = keptPath(name);
  if (existsSync(path)) return path;
  if (!mayFetch) throw new Error("it would have to be fetched");
  await mkdir(etcdCacheFolder(), { recursive: true });
  const unfinished = await mkdtemp(join(etcdCacheFolder(), ".making-"));
  try {
    await make(unfinished);
    await rename(unfinished, path).catch((error: unknown) => {
      // Somebody else has made the same meanwhile.
      if (!existsSync(path)) throw error;
    });
    return path;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** A word that changes when one of the files in `folder`, or deeper, does. */
export async function fingerprint(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  for (const file of files.sort()) hash.update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}
