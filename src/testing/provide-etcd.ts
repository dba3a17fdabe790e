import { buildEtcd, etcdCacheFolder, findBuiltEtcd } from "./built-etcd.ts";
import { checkEtcdVersion, isEtcdVersion, readEtcdVersion } from "./etcd-version.ts";
import { type EtcdPrograms, findEtcd, lookForEtcd } from "./find-etcd.ts";

/**
 * Where etcd's programs are in the version `wanted`: those that {@link findEtcd} finds, if they are of that version; else those
 * in the cache folder, built there if need be. Rejects when they cannot be had, saying why.
 */
export async function provideEtcd(wanted: string | undefined): Promise<EtcdPrograms> {
  if (wanted === undefined) return findEtcd();
  checkEtcdVersion(wanted);
  const installed = lookForEtcd();
  if (installed !== undefined && isEtcdVersion(await readEtcdVersion(installed.etcd), wanted)) return installed;
  const cacheFolder = etcdCacheFolder();
  return (await findBuiltEtcd(wanted, cacheFolder)) ?? (await buildEtcd(wanted, cacheFolder));
}
