import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EtcdCluster } from "#dist/testing/index.js";
import { type Program, startProgram } from "./programs.ts";

const root = new URL("../../../", import.meta.url);
const sources = fileURLToPath(new URL("test/support/go-contender/", root));
const buildLimitMs = 240_000;

/** A program in Go whose lock is etcd's own `concurrency.Mutex`, or the reason why there is none here. */
export type GoContender = { readonly path: string } | { readonly missing: string };

/** Builds the program, unless that was done before. Go fetches the modules of etcd's client the first time. */
export async function provideGoContender(): Promise<GoContender> {
  if (spawnSync("go", ["version"]).status !== 0) return { missing: "Go is not installed" };
  const hash = createHash("sha256");
  for (const file of ["main.go", "go.mod", "go.sum"]) hash.update(readFileSync(sources + file));
  const path = fileURLToPath(new URL(`.cache/go-contender-${hash.digest("hex").slice(0, 12)}`, root));
  if (existsSync(path)) return { path };
  const environment = { GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" };
  const build = startProgram("go", ["build", "-o", path, "."], { folder: sources, environment });
  try {
    const { code } = await build.end(buildLimitMs);
    return code === 0 ? { path } : { missing: `the program in Go could not be built: ${build.stderr.trim()}` };
  } catch {
    await build.kill();
    return { missing: "the program in Go could not be built in time" };
  }
}

/**
 * Starts a contender that takes the lock `name` so many times, and makes `folder` while it is inside, which fails when
 * somebody else has made it. It writes `done` when it has had all its turns.
 */
export function startGoContender(
  path: string,
  cluster: EtcdCluster,
  name: string,
  folder: string,
  rounds: number,
): Program {
  return startProgram(path, [cluster.endpoints.join(), name, folder, String(rounds)]);
}
