import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { peersFolder, rootFolder } from "../folders.ts";
import type { Provided } from "./provided.ts";
import { runProgram, whyItFailed } from "./run-program.ts";
import { findProgram } from "./system-program.ts";

export interface GoProgram {
  readonly path: string;
  /** Of etcd's client module. */
  readonly version: string;
}

const clientModule = "go.etcd.io/etcd/client/v3";
const sources = join(rootFolder, "bench/peers/go");

/** Builds the programs in Go, unless that was done before; everything that this leaves is in the folder of the peers. */
export async function provideGoProgram(): Promise<Provided<GoProgram>> {
  if (findProgram("go") === undefined) return { missing: "Go is not installed" };
  const folder = join(peersFolder, "go");
  const path = join(folder, `etcd-peer-${await fingerprint()}`);
  const environment = {
    GOCACHE: join(folder, "cache"),
    GOMODCACHE: join(folder, "modules"),
    // Else the folder of the modules could not be removed as any other.
    GOFLAGS: "-modcacherw -buildvcs=false",
  };
  try {
    if (!existsSync(path)) {
      console.error("Building the programs in Go (go build) ...");
      await mkdir(folder, { recursive: true });
      await runProgram("go", ["build", "-o", path, "."], { folder: sources, environment });
    }
    return { thing: { path, version: await readVersion() } };
  } catch (error) {
    return { missing: `the program in Go could not be built: ${whyItFailed(error)}` };
  }
}

async function fingerprint(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(sources)).sort()) hash.update(await readFile(join(sources, file)));
  return hash.digest("hex").slice(0, 12);
}

async function readVersion(): Promise<string> {
  const requirements = await readFile(join(sources, "go.mod"), "utf8");
  return new RegExp(`${clientModule} (\\S+)`).exec(requirements)?.[1] ?? "unknown";
}
