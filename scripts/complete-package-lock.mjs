// Run after an `npm install` that has changed package-lock.json on a machine whose registry does not serve the binaries of
// development tools for other platforms: npm leaves those optional packages out then, and `npm ci` refuses such a lock
// file everywhere.

import { readFileSync, writeFileSync } from "node:fs";

/** As in @biomejs/cli-linux-x64-musl, @rolldown/binding-win32-arm64-msvc and @rolldown/binding-wasm32-wasi. */
const platform =
  /-(?:(darwin|linux|win32|android|freebsd|openharmony)-)?(x64|arm64|arm|ppc64|s390x|wasm32)(?:-(\w+))?$/;

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const { optionalDependencies = {}, license, engines } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const [, os, cpu, suffix] = platform.exec(name) ?? [];
    if (cpu === undefined) continue;
    lock.packages[`node_modules/${name}`] ??= {
      version,
      cpu: [cpu],
      dev: true,
      ...(os === "linux" && { libc: [suffix === "musl" ? "musl" : "glibc"] }),
      license,
      optional: true,
      ...(os !== undefined && { os: [os] }),
      engines,
    };
  }
}
const { "": root, ...packages } = lock.packages;
const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
lock.packages = { "": root, ...Object.fromEntries(sorted) };
writeFileSync("package-lock.json", `${JSON.stringify(lock, undefined, 2)}\n`);
