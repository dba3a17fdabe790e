// Run after an `npm install` that has changed package-lock.json on a machine whose registry does not serve the linter for
// other platforms: npm leaves those optional packages out then, and `npm ci` refuses such a lock file everywhere.

import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const { optionalDependencies = {} } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const [, os, cpu, musl] = /^@biomejs\/cli-(darwin|linux|win32|android)-(x64|arm64)(-musl)?$/.exec(name) ?? [];
    if (os === undefined) continue;
    lock.packages[`node_modules/${name}`] ??= {
      version,
      cpu: [cpu],
      dev: true,
      ...(os === "linux" && { libc: [musl ? "musl" : "glibc"] }),
      license: "MIT OR Apache-2.0",
      optional: true,
      os: [os],
      engines: { node: ">=14.21.3" },
    };
  }
}
const { "": root, ...packages } = lock.packages;
const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
lock.packages = { "": root, ...Object.fromEntries(sorted) };
writeFileSync("package-lock.json", `${JSON.stringify(lock, undefined, 2)}\n`);
