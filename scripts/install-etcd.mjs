import { existsSync, readFileSync } from "node:fs";
import { run, succeeds } from "./run.mjs";

const debianPackages = ["etcd-server", "etcd-client"];

/**
 * Installs etcd and etcdctl with the system's package manager, where that is possible without asking anybody.
 * Returns `undefined` when it has, or else what a person has to do, in words.
 */
export function installEtcd() {
  const install = { linux: installOnLinux, darwin: installOnMac }[process.platform];
  return install === undefined ? advice("it is not known how to install them on this system") : install();
}

function installOnMac() {
  if (!succeeds("brew", ["--version"])) return advice("Homebrew is not there to install them (brew install etcd)");
  announce("brew install etcd");
  run("brew", ["install", "--quiet", "etcd"], { HOMEBREW_NO_AUTO_UPDATE: "1", HOMEBREW_NO_ENV_HINTS: "1" });
  return undefined;
}

function installOnLinux() {
  if (!isLikeDebian()) return advice("only on Debian, Ubuntu and macOS can they be installed from here");
  const isRoot = process.getuid() === 0;
  if (!isRoot && !succeeds("sudo", ["-n", "true"])) {
    return advice(
      `installing them takes root or sudo without a password (apt-get install ${debianPackages.join(" ")})`,
    );
  }
  const asRoot = isRoot ? [] : ["sudo", "-n"];
  const hadServer = succeeds("dpkg", ["--status", "etcd-server"]);
  announce(`apt-get install ${debianPackages.join(" ")}`);
  // In runlevel 1, Debian's packages do not start their services where there is no systemd.
  const aptGet = [...asRoot, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "--yes", "--quiet=2"];
  runWords([...aptGet, "update"]);
  runWords([...aptGet, "-o=DPkg::Lock::Timeout=120", "--no-install-recommends", "install", ...debianPackages]);
  if (!hadServer) stopService(asRoot);
  return undefined;
}

/** We wanted the programs, not a server that runs from now on. */
function stopService(asRoot) {
  if (existsSync("/run/systemd/system"))
    runWords([...asRoot, "systemctl", "disable", "--now", "--quiet", "etcd.service"]);
  else if (existsSync("/etc/init.d/etcd")) runWords([...asRoot, "/etc/init.d/etcd", "stop"]);
}

function isLikeDebian() {
  if (!existsSync("/etc/os-release") || !succeeds("apt-get", ["--version"])) return false;
  const release = readFileSync("/etc/os-release", "utf8");
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

function runWords([program, ...words]) {
  run(program, words);
}

function announce(command) {
  console.error(`Installing etcd and etcdctl (${command}) ...`);
}

function advice(obstacle) {
  return (
    `etcd and etcdctl are needed and were not found, and ${obstacle}. ` +
    "Install them, or set ETCD_BIN and ETCDCTL_BIN to the paths of the programs."
  );
}
