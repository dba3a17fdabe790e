import { type FetchOptions, keepFolder } from "./kept-folder.ts";
import type { Provided } from "./provided.ts";
import { runProgram, whyItFailed } from "./run-program.ts";
import { findProgram } from "./system-program.ts";

const limitMs = 10 * 60_000;

/** A folder for `PYTHONPATH` with these packages, each `name==version`, fetched by pip unless that was done before. */
export async function providePythonPackages(
  packages: readonly string[],
  options: FetchOptions,
): Promise<Provided<string>> {
  if (findProgram("python3") === undefined) return { missing: "python3 is not installed" };
  try {
    const make = (unfinished: string): Promise<string> => {
      console.error(`Fetching packages for Python (pip install ${packages.join(" ")}) ...`);
      const words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", unfinished];
      return runProgram("python3", [...words, ...packages], { limitMs });
    };
    return { thing: await keepFolder(`python-${packages.join("-")}`, make, options) };
  } catch (error) {
    return { missing: `packages for Python could not be had: ${whyItFailed(error)}` };
  }
}
