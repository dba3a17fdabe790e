import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findEtcd, startEtcd } from "#dist/testing/index.js";
import { runEtcdlocker, startEtcdlocker } from "../support/etcdlocker.ts";
import { listKeys } from "../support/leftovers.ts";
import { type Program, startProgram } from "../support/programs.ts";

const examples = fileURLToPath(new URL("../../../examples", import.meta.url));

const cluster = await startEtcd();
const environment = { ETCD_LOCK_HOST: cluster.endpoints.join() };

after(() => cluster.stop());

/** Starts an example, as a user does; it is killed when the test ends, if it still runs. */
function start(t: TestContext, example: string, words: readonly string[] = []): Program {
  const program = startProgram(process.execPath, [join(examples, example), ...words], { environment });
  t.after(() => program.kill());
  return program;
}

/** What a program prints that ends well, and says nothing on standard error. */
async function outputOf(program: Program): Promise<string> {
  const { code } = await program.end();
  assert.equal(program.stderr, "");
  assert.equal(code, 0);
  return program.stdout;
}

test("cron-job.mjs: of the machines that cron starts it on, one does the work, also when another is late", async (t) => {
  const work = "invoice for Ada sent\ninvoice for Grace sent\ninvoice for Hedy sent\n";
  const other = "another machine sends the invoices\n";
  const runs = await Promise.all([start(t, "cron-job.mjs"), start(t, "cron-job.mjs")].map(outputOf));
  assert.deepEqual(runs.sort(), [other, work]);
  assert.equal(await outputOf(start(t, "cron-job.mjs")), other);
});

test("cron-job.sh: under etcdlocker, one machine does the work of a day, and the others see that it is done", async (t) => {
  const script = join(examples, "cron-job.sh");
  const path = [dirname(findEtcd().etcdctl ?? ""), process.env.PATH].join(delimiter);
  const programs = ["one", "two", "three"].map((id) =>
    startEtcdlocker(cluster.endpoints, ["-k", "/cron/backup", "-t", "30", "-i", id, "--", script], {
      environment: { PATH: path },
    }),
  );
  t.after(() => Promise.all(programs.map((program) => program.kill())));
  // Those who wait say so.
  const outputs = await Promise.all(programs.map(async (program) => (await program.end()) && program.stdout));
  const kinds = outputs.map((output) => output.replace(/\d{4}-\d\d-\d\d/, "today")).sort();
  assert.deepEqual(kinds, [
    "making the backup of today\n",
    "the backup of today has been made\n",
    "the backup of today has been made\n",
  ]);
});

/** The words of a line as the shell reads them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

test("crontab: one machine runs the job, and the others, also those with a late clock, skip it in silence", async () => {
  const text = await readFile(join(examples, "crontab"), "utf8");
  const [, line = ""] = /^0 3 \* \* \* {2}etcdlocker (.*)$/m.exec(text) ?? [];
  const runs = await Promise.all([1, 2, 3].map(() => runEtcdlocker(cluster.endpoints, wordsOf(line))));
  const late = await runEtcdlocker(cluster.endpoints, wordsOf(line));
  const silent = { code: 0, stdout: "", stderr: "" };
  const ran = { ...silent, stdout: "the mail is sent\n" };
  assert.deepEqual(
    [...runs, late].sort((a, b) => b.stdout.length - a.stdout.length),
    [ran, silent, silent, silent],
  );
});

test("etcdlocker@.service and cron-job.yaml: a systemd unit and a CronJob have command lines that etcdlocker takes", async () => {
  const unit = await readFile(join(examples, "etcdlocker@.service"), "utf8");
  const [, started = ""] = /^ExecStart=\/usr\/bin\/env etcdlocker (.*)$/m.exec(unit) ?? [];
  const job = await readFile(join(examples, "cron-job.yaml"), "utf8");
  const [, listed = ""] = /command: \[etcdlocker, (.*)\]$/m.exec(job) ?? [];
  const [unitWords, jobWords] = [wordsOf(started), listed.split(", ").flatMap(wordsOf)];
  for (const words of [unitWords, jobWords]) {
    const options = words.slice(0, words.indexOf("--") + 1);
    const run = await runEtcdlocker(cluster.endpoints, [...options, "echo", "ran"]);
    assert.deepEqual(run, { code: 0, stdout: "ran\n", stderr: "" });
  }
});

test("migration.mjs: of several instances, one migrates while the others wait", async (t) => {
  const instances = ["migration.mjs", "migration.mjs", "migration.mjs"].map((example) => start(t, example));
  const outputs = await Promise.all(instances.map(outputOf));
  assert.deepEqual(outputs.sort(), [
    "creating the table of orders\ncreating an index on orders\n2 migrations were made\n",
    "the database was up to date\n",
    "the database was up to date\n",
  ]);
  assert.deepEqual(await listKeys(cluster, "/shop/migrated/"), [
    "/shop/migrated/001-create-orders",
    "/shop/migrated/002-index-orders",
  ]);
});

test("leader.mjs: one leads, all know which, and when it is stopped, another one leads", async (t) => {
  const first = start(t, "leader.mjs", ["first"]);
  await first.line(/^first leads$/);
  const second = start(t, "leader.mjs", ["second"]);
  await second.line(/^second follows first$/);
  first.signal("SIGTERM");
  await second.line(/^second leads$/);
  await second.line(/^second follows second$/);
  assert.match(await outputOf(first), /^first leads no more$/m);
  second.signal("SIGTERM");
  await outputOf(second);
  assert.deepEqual(await listKeys(cluster, "/shop/scheduler"), []);
});

test("worker-pool.mjs: two processes together work on three pages at a time, at most", async (t) => {
  // Both write into one pipe: there, the order of the lines is the order in which they were written.
  const both = '"$0" "$1" a b c d e & "$0" "$1" f g h i j & wait';
  const program = startProgram("sh", ["-c", both, process.execPath, join(examples, "worker-pool.mjs")], {
    environment,
    ownGroup: true,
  });
  t.after(() => program.kill());
  const lines = (await outputOf(program)).trim().split("\n");
  let [now, most] = [0, 0];
  for (const line of lines) {
    now += line.startsWith("fetching") ? 1 : -1;
    most = Math.max(most, now);
  }
  assert.equal(most, 3);
  const fetched = lines.filter((line) => line.startsWith("fetched")).map((line) => line.at(-1));
  assert.equal(fetched.sort().join(""), "abcdefghij");
});

test("fencing-sql.mjs: the database refuses a holder that is late", async (t) => {
  const output = await outputOf(start(t, "fencing-sql.mjs"));
  assert.equal(
    output.replace(/token \d+/, "token N"),
    [
      "deposited 10",
      "deposited 20",
      "/accounts/savings has had a later holder than the one with token N",
      "balance: 130",
      "",
    ].join("\n"),
  );
});

test("fencing-object-store.mjs: the object store refuses a holder that is late", async (t) => {
  const output = await outputOf(start(t, "fencing-object-store.mjs"));
  assert.equal(
    output.replace(/token \d+/, "token N"),
    [
      "/reports/2024 has had a later holder than the one with token N",
      "the report:",
      "- by the first",
      "- by the second",
      "",
      "",
    ].join("\n"),
  );
});

test("metrics.mjs: what happens to locks is counted, in the format of Prometheus", async (t) => {
  const program = start(t, "metrics.mjs");
  assert.equal((await program.end()).code, 0);
  assert.match(program.stderr, /was not to be had within 100 ms: held by /);
  const samples = program.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of samples) assert.match(line, /^\w+(\{(\w+="[^"]*",?)+\})? [\d.e-]+$/);
  const name = 'name="/billing/run"';
  const expected = [
    `etcd_lock_wait_seconds_count{${name}} 1`,
    `etcd_lock_hold_seconds_bucket{${name},le="+Inf"} 1`,
    `etcd_lock_held{${name}} 0`,
    `etcd_lock_waits_total{${name}} 1`,
    `etcd_lock_failures_total{${name},error="LOCK_TIMEOUT"} 1`,
    "etcd_lock_renewal_failures_total 0",
  ];
  assert.deepEqual(
    expected.filter((line) => !samples.includes(line)),
    [],
  );
});

test("every example is run by a test of this file", async () => {
  const source = await readFile(fileURLToPath(import.meta.url), "utf8");
  const titles = [...source.matchAll(/^test\("([^:"]+):/gm)].map(([, names = ""]) => names);
  const tested = titles.flatMap((names) => names.match(/[\w@-]+\.(?:mjs|sh|service|yaml)/g) ?? []);
  const modules = ["lock-metrics.mjs"];
  const programs = (await readdir(examples)).filter((name) => name.includes(".") && !modules.includes(name));
  assert.deepEqual(new Set(tested), new Set(programs));
});
