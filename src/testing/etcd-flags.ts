import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

const speedFlags = [
  // The data of a test need not survive a power failure, only a killed process. Since etcd 3.5.
  "--unsafe-no-fsync",
];

/** Those flags that make tests faster and that the etcd program at `etcd` knows. */
export async function readSpeedFlags(etcd: string): Promise<string[]> {
  const { stdout, stderr } = await run(etcd, ["--help"]);
  const help = stdout + stderr;
  return speedFlags.filter((flag) => help.includes(`${flag} `));
}
