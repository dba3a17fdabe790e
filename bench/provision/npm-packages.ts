import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { peersFolder, rootFolder } from "../folders.ts";
import type { Provided } from "./provided.ts";
import { runProgram, whyItFailed } from "./run-program.ts";

/** Where the other npm packages are, and for each what could be had: its version. */
export interface NpmPackages {
  readonly folder: string;
  readonly versions: ReadonlyMap<string, Provided<string>>;
}

const sources = join(rootFolder, "bench/peers/npm");
const names = ["etcd-lock", "node-etcd", "etcd3", "ioredis", "redlock", "redis-semaphore"] as const;

/** Installs the npm packages to compare with, unless that was done before. */
export async function provideNpmPackages(): Promise<NpmPackages> {
  const folder = join(peersFolder, "npm");
  const problem = (await isInstalled(folder)) ? undefined : await install(folder);
  const versions = names.map(async (name) => [name, await probe(folder, name, problem)] as const);
  return { folder, versions: new Map(await Promise.all(versions)) };
}

async function isInstalled(folder: string): Promise<boolean> {
  const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
  const isSameLock =
    (await read(join(folder, "package-lock.json"))) === (await read(join(sources, "package-lock.json")));
  // npm writes it when it has installed.
  return isSameLock && (await read(join(folder, "node_modules/.package-lock.json"))) !== "";
}

async function install(folder: string): Promise<string | undefined> {
  console.error("Installing the npm packages to compare with (npm ci) ...");
  await mkdir(folder, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) await copyFile(join(sources, file), join(folder, file));
  const words = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  try {
    await runProgram("npm", words, { folder });
    return undefined;
  } catch (error) {
    // node-etcd needs a compiler for one of its packages; the others do without.
    const retry = runProgram("npm", [...words, "--ignore-scripts"], { folder });
    return await retry.then(
      () => whyItFailed(error),
      (again: unknown) => whyItFailed(again),
    );
  }
}

/** Loads the package, in a process of its own: installed is not yet usable. */
async function probe(folder: string, name: string, problem: string | undefined): Promise<Provided<string>> {
  try {
    await runProgram(process.execPath, ["-e", `require("${name}"); process.exit()`], { folder });
    const manifest: { version: string } = JSON.parse(
      await readFile(join(folder, "node_modules", name, "package.json"), "utf8"),
    );
    return { thing: manifest.version };
  } catch (error) {
    return { missing: `npm package ${name} could not be installed or loaded: ${problem ?? whyItFailed(error)}` };
  }
}
