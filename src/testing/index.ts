export { EtcdCluster } from "./etcd-cluster.ts";
export { EtcdMember, EtcdStartError } from "./etcd-member.ts";
export { type EtcdPrograms, findEtcd } from "./find-etcd.ts";
export { type StartEtcdOptions, startEtcd } from "./start-etcd.ts";
