import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";

/** The Node.js that runs us. */
export type Engine = Pick<NodeJS.Process, "version" | "arch" | "pid" | "once">;

/**
 * Sees to it that the CommonJS files in the folder `program`, which are all ASCII, are not compiled at every start. What V8
 * has made of them is kept in the folder `cache`, with the functions that were compiled when first called; Node.js's own
 * cache, which is there from version 22 on, leaves these out, and gains nothing. Where the cache cannot be read or
 * written, it goes on without.
 */
export function keepCompiledCode(program: string, cache: string, engine: Engine): void {
  const { extensions } = createRequire(import.meta.url);
  const ordinary = extensions[".js"];
  extensions[".js"] = (module, path) => {
    const kept = join(cache, `${basename(path)}-${engine.version}-${engine.arch}`);
    if (dirname(path) === program) runKept(module, path, kept, engine);
    else ordinary?.(module, path);
  };
}

/** At the beginning of a kept file: checksums of the source, and of what follows, which V8 trusts blindly. */
const headerLength = 8;

function runKept(module: NodeModule, path: string, keptPath: string, engine: Engine): void {
  const source = readFileSync(path);
  const sourceChecksum = crc32(source);
  const cachedData = readKept(keptPath, sourceChecksum);
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${source.toString("latin1")}\n})`;
  const script = new Script(wrapped, { filename: path, ...(cachedData && { cachedData }) });
  if (cachedData === undefined || script.cachedDataRejected === true) {
    // By then all functions have been compiled that are ever called.
    engine.once("exit", () => keep(script, keptPath, sourceChecksum, `${keptPath}.${engine.pid}`));
  }
  const run: (...words: unknown[]) => void = script.runInThisContext();
  run(module.exports, (id: string) => module.require(id), module, path, dirname(path));
}

function readKept(path: string, sourceChecksum: number): Buffer | undefined {
  try {
    const kept = readFileSync(path);
    const data = kept.subarray(headerLength);
    return kept.readUInt32LE(0) === sourceChecksum && kept.readUInt32LE(4) === crc32(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Whoever reads it meanwhile finds all of the old or all of the new. */
function keep(script: Script, path: string, sourceChecksum: number, draft: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // First, since what follows takes a while, and would be for nothing where nothing can be written.
    writeFileSync(draft, "");
    const data = script.createCachedData();
    const header = Buffer.alloc(headerLength);
    header.writeUInt32LE(sourceChecksum, 0);
    header.writeUInt32LE(crc32(data), 4);
    writeFileSync(draft, Buffer.concat([header, data]));
    renameSync(draft, path);
  } catch {
    // The next start takes as long as this one.
  }
}
