import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Provided } from "./provided.ts";
import { runProgram, whyItFailed } from "./run-program.ts";

/**
 * The path of a program of the system. When it is not there it is installed from Debian's package, where that is possible
 * without asking anybody.
 */
export async function provideSystemProgram(program: string, debianPackage: string): Promise<Provided<string>> {
  const found = findProgram(program) ?? findAfter(await install(debianPackage), program);
  return typeof found === "string" ? { thing: found } : found;
}

/** The path of a program on `PATH`. */
export function findProgram(program: string): string | undefined {
  const paths = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  return paths.find(isRunnable);
}

function findAfter(problem: string | undefined, program: string): string | { readonly missing: string } {
  return findProgram(program) ?? { missing: `${program} is not installed, and ${problem ?? "its package lacks it"}` };
}

/** Resolves to what stood in the way; `undefined` when it is installed. */
async function install(debianPackage: string): Promise<string | undefined> {
  if (findProgram("apt-get") === undefined) return `it is not known how to install ${debianPackage} on this system`;
  if (process.getuid?.() !== 0) return `installing it takes root (apt-get install ${debianPackage})`;
  console.error(`Installing ${debianPackage} (apt-get install ${debianPackage}) ...`);
  // In runlevel 1, Debian's packages do not start their services where there is no systemd.
  const environment = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  try {
    await runProgram("apt-get", ["--quiet=2", "update"], { environment });
    await runProgram("apt-get", ["--yes", "--quiet=2", "--no-install-recommends", "install", debianPackage], {
      environment,
    });
    return undefined;
  } catch (error) {
    return `it could not be installed: ${whyItFailed(error)}`;
  }
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
