import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keepFolder } from "./kept-folder.ts";
import type { Provided } from "./provided.ts";
import { runProgram, whyItFailed } from "./run-program.ts";

export interface NodeRelease {
  /** The folder that has `node`, for `PATH`. */
  readonly folder: string;
  /** The program. */
  readonly path: string;
  /** For example `22.23.3`. */
  readonly version: string;
}

/** Node.js as npm has it for this system, in the newest version that is like `wanted`: `22`, `20.19`, or exact. */
export async function provideNode(wanted: string): Promise<Provided<NodeRelease>> {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    const kept = await keepFolder(`node-${wanted}`, async (unfinished) => {
      console.error(`Fetching Node.js ${wanted} (npm install ${name}@${wanted}) ...`);
      await writeFile(join(unfinished, "package.json"), "{}");
      const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      await runProgram("npm", [...words, `${name}@${wanted}`], { folder: unfinished });
    });
    const folder = join(kept, "node_modules", name, "bin");
    const path = join(folder, "node");
    const version = (await runProgram(path, ["--version"])).trim().replace("v", "");
    return { thing: { folder, path, version } };
  } catch (error) {
    return { missing: `Node.js ${wanted} could not be had from npm: ${whyItFailed(error)}` };
  }
}
