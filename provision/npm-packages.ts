import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fingerprint, keepFolder, keptPath } from "./kept-folder.ts";
import type { Provided } from "./provided.ts";
import { rootFolder } from "./root-folder.ts";
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
  const name = `npm-${await fingerprint(sources)}`;
  let problem: string | undefined;
  const install = async (folder: string): Promise<void> => {
    problem = await installPackages(folder);
  };
  const folder = await keepFolder(name, install).catch((error: unknown) => {
    problem = whyItFailed(error);
    return keptPath(name);
  });
  const versions = names.map(async (name) => [name, await probe(folder, name, problem)] as const);
  return { folder, versions: new Map(await Promise.all(versions)) };
}

/** Resolves to why not all could be installed; `undefined` when they are. */
async function installPackages(folder: string): Promise<string | undefined> {
  console.error("Installing the npm packages to compare with (npm ci) ...");
  for (const file of ["package.json", "package-lock.json"]) await copyFile(join(sources, file), join(folder, file));
  const words = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  try {
    await runProgram("npm", words, { folder });
    return undefined;
  } catch (error) {
    // node-etcd needs a compiler for one of its packages; the others do without.
    await runProgram("npm", [...words, "--ignore-scripts"], { folder });
    return whyItFailed(error);
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
