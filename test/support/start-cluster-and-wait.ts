// Program: starts an etcd cluster of one, says who and where it is, and waits to be killed.
import { startEtcd } from "#dist/testing/index.js";

const cluster = await startEtcd();
const [member] = cluster.members;
process.stdout.write(`etcd ${member?.pid} at ${member?.endpoint}\n`);
process.stdin.resume();
