export type { EtcdTls } from "./certificates.ts";
export { EtcdCluster } from "./etcd-cluster.ts";
export { EtcdMember, EtcdStartError } from "./etcd-member.ts";
export type { EtcdUser } from "./etcd-user.ts";
export { type EtcdPrograms, findEtcd } from "./find-etcd.ts";
export { startEtcd } from "./start-etcd.ts";
export type { StartEtcdOptions } from "./start-etcd-options.ts";
