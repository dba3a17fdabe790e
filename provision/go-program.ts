import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fingerprint, keepFolder } from "./kept-folder.ts";
import type { Provided } from "./provided.ts";
import { runProgram, whyItFailed } from "./run-program.ts";
import { findProgram } from "./system-program.ts";

export interface GoProgram {
  readonly path: string;
  /** Of etcd's client module. */
  readonly version: string;
}

const clientModule = "go.etcd.io/etcd/client/v3";
const buildLimitMs = 10 * 60_000;

/** Builds the program in Go in the folder `sources`, unless that was done before. Go fetches modules the first time. */
export async function provideGoProgram(sources: string): Promise<Provided<GoProgram>> {
  if (findProgram("go") === undefined) return { missing: "Go is not installed" };
  const program = "program";
  try {
    const folder = await keepFolder(`go-${await fingerprint(sources)}`, (unfinished) => {
      console.error("Building a program in Go (go build) ...");
      // Another version of Go is not fetched.
      const environment = { GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" };
      const words = ["build", "-o", join(unfinished, program), "."];
      return runProgram("go", words, { folder: sources, environment, limitMs: buildLimitMs });
    });
    return { thing: { path: join(folder, program), version: await readVersion(sources) } };
  } catch (error) {
    return { missing: `the program in Go could not be built: ${whyItFailed(error)}` };
  }
}

async function readVersion(sources: string): Promise<string> {
  const requirements = await readFile(join(sources, "go.mod"), "utf8");
  return new RegExp(`${clientModule} (\\S+)`).exec(requirements)?.[1] ?? "unknown";
}
