import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { isEtcdVersion, readEtcdVersion } from "./etcd-version.ts";
import type { EtcdPrograms } from "./find-etcd.ts";

const run = promisify(execFile);

const buildLimitMs = 30 * 60_000;
const folderPrefix = "etcd-";

/** Since 3.5, etcd's programs are Go modules, each with a `main` package of its own. */
const modules = {
  etcd: "go.etcd.io/etcd/server/v3",
  etcdctl: "go.etcd.io/etcd/etcdctl/v3",
  // What etcdctl did with files, up to 3.5.
  etcdutl: "go.etcd.io/etcd/etcdutl/v3",
};
const oldestBuiltMinor = 5;

/** The folder that keeps what was built: `$ETCD_LOCK_CACHE`, or `etcd-lock` in the user's cache folder. */
export function etcdCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { ETCD_LOCK_CACHE: chosen, XDG_CACHE_HOME: usersCache } = environment;
  if (chosen) return resolve(chosen);
  return join(usersCache || join(homedir(), ".cache"), "etcd-lock");
}

/** The newest etcd that was built before and is what is `wanted`; `undefined` when there is none. */
export async function findBuiltEtcd(wanted: string, cacheFolder: string): Promise<EtcdPrograms | undefined> {
  const entries = await readdir(cacheFolder).catch(() => []);
  const [newest] = entries
    .filter((entry) => entry.startsWith(folderPrefix) && isEtcdVersion(entry.slice(folderPrefix.length), wanted))
    .sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  return newest === undefined ? undefined : programsIn(join(cacheFolder, newest));
}

/**
 * Builds etcd and etcdctl, of a release in its latest patch, with Go and from the Go module proxy, and keeps them in a folder
 * of their own in `cacheFolder`. This takes minutes. Rejects when Go is not installed, and with its words when it fails.
 */
export async function buildEtcd(wanted: string, cacheFolder: string): Promise<EtcdPrograms> {
  if (Number(wanted.split(".")[1]) < oldestBuiltMinor) {
    throw new Error(
      `etcd ${wanted} cannot be built, since it is no Go module: install it, and set ETCD_BIN to its path`,
    );
  }
  await mkdir(cacheFolder, { recursive: true });
  const workFolder = await mkdtemp(join(cacheFolder, ".building-"));
  try {
    await writeFile(join(workFolder, "go.mod"), "module build\n");
    const go = (...words: string[]): Promise<void> => runGo(wanted, workFolder, words);
    await go("get", ...Object.values(modules).map((module) => `${module}@v${wanted}`));
    const built = programsIn(join(workFolder, "programs"));
    await go("build", "-trimpath", "-o", built.etcd, modules.etcd);
    await go("build", "-trimpath", "-o", built.etcdctl, modules.etcdctl);
    const folder = join(cacheFolder, folderPrefix + (await readEtcdVersion(built.etcd)));
    await moveUnlessThere(join(workFolder, "programs"), folder);
    return programsIn(folder);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

function programsIn(folder: string): { etcd: string; etcdctl: string } {
  return { etcd: join(folder, "etcd"), etcdctl: join(folder, "etcdctl") };
}

async function runGo(wanted: string, folder: string, words: readonly string[]): Promise<void> {
  const environment = { ...process.env, CGO_ENABLED: "0", GO111MODULE: "on", GOWORK: "off" };
  try {
    await run("go", words, { cwd: folder, env: environment, maxBuffer: 64 * 1_024 * 1_024, timeout: buildLimitMs });
  } catch (error) {
    throw new Error(`etcd ${wanted} could not be built: ${explain(error, words)}`, { cause: error });
  }
}

function explain(error: unknown, words: readonly string[]): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ENOENT") {
    return (
      "Go is not there to build it. Install Go (Debian and Ubuntu: apt-get install golang; macOS: brew install go), " +
      "or set ETCD_BIN to the path of such an etcd"
    );
  }
  const output = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : error.message;
  return `go ${words[0]} said:\n${output.split("\n").slice(-15).join("\n")}`;
}

/** Somebody else may have built the same meanwhile. */
async function moveUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const isThere =
      error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EEXIST");
    if (!isThere) throw error;
  }
}
