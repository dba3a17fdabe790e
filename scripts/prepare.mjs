// Brings a fresh clone to where it can run: development dependencies, compiled code, and etcd.
// Silent when there is nothing to do. `--no-etcd` leaves etcd out. Exit code 69: something is missing on this machine.

import { statSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { installEtcd } from "./install-etcd.mjs";
import { root, run } from "./run.mjs";

const oldestNode = [20, 19];
const unavailable = 69;

checkNode();
installDependencies();
build();
if (!process.argv.includes("--no-etcd")) await prepareEtcd();

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  stop(
    `etcd-lock needs Node.js ${oldestNode.join(".")} or newer, and this is ${process.versions.node} (${process.execPath}).`,
  );
}

/** npm notes in its own copy of the lock file when it has installed. */
function installDependencies() {
  const wanted = changedAt(join(root, "package-lock.json"));
  const installed = changedAt(join(root, "node_modules", ".package-lock.json"));
  if (installed !== undefined && wanted !== undefined && installed >= wanted) return;
  console.error("Installing the development dependencies (npm ci) ...");
  run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
}

async function prepareEtcd() {
  const { findEtcd } = await import("../dist/testing/index.js");
  try {
    if (hasBoth(findEtcd)) return;
  } catch (error) {
    // A variable that names no program is for its owner to mend.
    if (process.env.ETCD_BIN || process.env.ETCDCTL_BIN) stop(`${error.message}.`);
  }
  const problem = installEtcd();
  if (problem !== undefined) stop(problem);
  if (!hasBoth(findEtcd)) stop("etcdctl was not found after the installation: set ETCDCTL_BIN to its path.");
}

function hasBoth(findEtcd) {
  return findEtcd().etcdctl !== undefined;
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function stop(message) {
  console.error(message);
  process.exit(unavailable);
}
