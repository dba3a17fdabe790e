import { createRequire } from "node:module";
import { join } from "node:path";

/** Loads an npm package from where the benchmark installed it. `Package` is what the caller uses of it. */
export function loadPackage<Package>(packages: string, name: string): Package {
  return createRequire(join(packages, "package.json"))(name);
}
