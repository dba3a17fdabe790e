import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The version of the etcd program at `etcd`, for example `3.5.35`. Rejects when it does not say one. */
export async function readEtcdVersion(etcd: string): Promise<string> {
  const { stdout } = await run(etcd, ["--version"]);
  const version = /^etcd Version: (\S+)$/m.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${etcd} --version does not say which etcd it is, but: ${stdout.trim()}`);
  return version;
}

/** Throws a `RangeError` unless `wanted` is a release, such as `3.5`, or one exact version of it, such as `3.5.35`. */
export function checkEtcdVersion(wanted: string): string {
  if (/^3\.\d+(\.\d+(-[a-z]+\.\d+)?)?$/.test(wanted)) return wanted;
  throw new RangeError(`version is ${JSON.stringify(wanted)}, and must be like "3.5", for any 3.5, or like "3.5.35"`);
}

/** Whether `version` is what was `wanted`: exactly, or as a patch of the release. */
export function isEtcdVersion(version: string, wanted: string): boolean {
  const isRelease = wanted.split(".").length === 2;
  return version === wanted || (isRelease && version.startsWith(`${wanted}.`) && !version.includes("-"));
}
