import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { etcdlockerPath } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";
import { isAlive } from "../support/process-table.ts";
import { startProgram } from "../support/programs.ts";

const nobody = 65_534;
const asNobody = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];

/** Only a process of another user can live through SIGKILL, for so long as a test takes. */
const impossible = canBecomeNobody() ? false : "needs root, setpriv(1), and an etcdlocker that others may read";

function canBecomeNobody(): boolean {
  const { status } = spawnSync("setpriv", [...asNobody, process.execPath, etcdlockerPath, "--version"]);
  return process.getuid?.() === 0 && status === 0;
}

describe("a command that cannot be killed", { skip: impossible }, () => {
  it("gives 3, and the lock is not given back", async () => {
    const etcd = await startEtcdForCrashes();
    const name = newName();
    const folder = mkdtempSync(join(tmpdir(), "etcdlocker-"));
    chmodSync(folder, 0o755);
    // As sudo does: from then on the process belongs to root, and etcdlocker may not signal it.
    const become = join(folder, "become");
    copyFileSync(String(spawnSync("which", ["setpriv"], { encoding: "utf8" }).stdout).trim(), become);
    chmodSync(become, 0o4755);
    const script = `${become} --reuid=0 sleep 1000 & echo stubborn $!; wait`;
    const words = ["-e", etcd.endpoints.join(","), "-k", name, "--kill-after", "0.1", "sh", "-c", script];
    const locker = startProgram("setpriv", [...asNobody, process.execPath, etcdlockerPath, ...words]);
    const stubborn = Number((await locker.line(/^stubborn/)).text.split(" ")[1]);
    const program = () => readFileSync(`/proc/${stubborn}/cmdline`, "utf8");
    await eventually("it belongs to root", program, (words) => words.startsWith("sleep"));
    try {
      locker.signal("SIGTERM");
      assert.equal((await locker.end()).code, 3);
      assert.ok(isAlive(stubborn));
      assert.match(locker.stderr, new RegExp(`could not be killed \\(still there: pid ${stubborn}\\)`));
      assert.equal((await listKeys(etcd, name)).length, 2);
    } finally {
      process.kill(stubborn, "SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });
});
