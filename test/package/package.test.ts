import assert from "node:assert/strict";
import { access, constants, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { startEtcd } from "#dist/testing/index.js";
import { compilers, installPackage } from "./installed-package.ts";

const [installed, cluster] = await Promise.all([installPackage(), startEtcd()]);
const environment = { ENDPOINT: cluster.endpoints.join() };

after(async () => {
  await cluster.stop();
  await installed.remove();
});

test("the tarball has what users need, and nothing else", () => {
  const needed = [
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "SECURITY.md",
    "cjs/index.cjs",
    "cjs/index.d.cts",
    "dist/command/bin.js",
    "dist/command/LICENSES.txt",
    "dist/command/package.json",
    "docs/etcdlocker.1",
  ];
  const allowed = [
    /^dist\/(?!cli\/).*(\.js|\.d\.ts)$/,
    /^docs\/.*\.md$/,
    /^examples\/(.*\.(mjs|sh|service|yaml)|crontab)$/,
    /^package\.json$/,
  ];
  assert.deepEqual(
    needed.filter((file) => !installed.packedFiles.includes(file)),
    [],
  );
  assert.deepEqual(
    installed.packedFiles.filter((file) => !needed.includes(file) && !allowed.some((pattern) => pattern.test(file))),
    [],
  );
});

test("the types for CommonJS name every export", async () => {
  const [esm = "", commonjs = ""] = await Promise.all(
    ["dist/index.d.ts", "cjs/index.d.cts"].map((file) => readFile(join(installed.packageFolder, file), "utf8")),
  );
  const exported = [...esm.matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
    .flatMap(([, names = ""]) => names.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "" && !name.endsWith(" as default"));
  assert.ok(exported.length > 10);
  assert.deepEqual(
    exported.filter((name) => !new RegExp(`^  export type ${name}(<T>)? = esm\\.${name}\\1;$`, "m").test(commonjs)),
    [],
  );
});

test("require() gives a CommonJS program the constructor, with every export on it", async () => {
  assert.equal(await installed.runScript("commonjs.cjs", environment), "done\n");
});

test("import gives an ES module the same by default and by name", async () => {
  assert.equal(await installed.runScript("esm.mjs", environment), "done\n");
});

test("etcd-lock/testing starts a real etcd for a user's own tests", async () => {
  assert.equal(await installed.runScript("testing.mjs"), "done\n");
});

for (const compiler of compilers) {
  for (const module of ["node16", "nodenext"]) {
    test(`TypeScript programs, CommonJS and ESM, compile and run: ${compiler}, module ${module}`, async () => {
      const output = `${compiler}-${module}`;
      const files = ["typescript-commonjs.cts", "typescript-esm.mts"];
      await installed.compile(compiler, files, { module, outDir: output });
      assert.equal(await installed.runScript(join(output, "typescript-commonjs.cjs"), environment), "done\n");
      assert.equal(await installed.runScript(join(output, "typescript-esm.mjs"), environment), "done\n");
    });
  }

  test(`a TypeScript program for a bundler compiles: ${compiler}`, async () => {
    await installed.compile(compiler, ["typescript-esm.mts"], {
      module: "esnext",
      moduleResolution: "bundler",
      noEmit: "true",
    });
  });
}

test("a CommonJS program runs as one file made by esbuild", async () => {
  await installed.bundle("bundled.ts", "bundled.cjs", "cjs");
  assert.equal(await installed.runScript("bundled.cjs", environment), "done\n");
});

test("an ES module runs as one file made by esbuild", async () => {
  await installed.bundle("bundled.ts", "bundled.mjs", "esm");
  assert.equal(await installed.runScript("bundled.mjs", environment), "done\n");
});

test("etcdlocker is on the path of scripts, and tells its version and its help", async () => {
  const { version }: { version: string } = JSON.parse(
    await readFile(join(installed.packageFolder, "package.json"), "utf8"),
  );
  assert.ok((await installed.runEtcdlocker("--version")).includes(version));
  assert.match(await installed.runEtcdlocker("--help"), /etcdlocker \[options\] \[--\] command/);
});

test("installed for everybody, etcdlocker is on the path, and has its manual page", async () => {
  const prefix = await installed.installGlobally();
  const manual = await readFile(join(prefix, "share", "man", "man1", "etcdlocker.1"), "utf8");
  assert.equal(manual, await readFile(join(installed.packageFolder, "docs", "etcdlocker.1"), "utf8"));
  await access(join(prefix, "bin", "etcdlocker"), constants.X_OK);
});

test("etcdlocker runs a command under a lock", async () => {
  const lock = ["-e", cluster.endpoints.join(), "-k", "/package/etcdlocker"];
  assert.equal(await installed.runEtcdlocker(...lock, "--", "sh", "-c", "echo $ETCDLOCKER_KEY"), `${lock[3]}\n`);
});

test("etcdlocker stands on its own, and loads only what it is asked for", async () => {
  const help = await installed.loadedByEtcdlocker("--help");
  const run = await installed.loadedByEtcdlocker("-e", cluster.endpoints.join(), "-k", "/package/loaded", "--", "true");
  // Unbundled, they are well over a hundred.
  assert.ok(help.files.length <= 6, `--help loads ${help.files.join(", ")}`);
  assert.ok(run.files.length <= 9, `a command loads ${run.files.join(", ")}`);
  assert.deepEqual(
    run.files.filter((file) => !file.startsWith(join(installed.packageFolder, "dist", "command"))),
    [],
  );
  assert.deepEqual(
    ["http2", "tls", "child_process", "crypto"].filter((name) => help.builtins.includes(name)),
    [],
  );
  assert.ok(run.builtins.includes("http2"));
});

test("the licences of what etcdlocker was made of come with it", async () => {
  const text = await readFile(join(installed.packageFolder, "dist", "command", "LICENSES.txt"), "utf8");
  const needed = ["@bufbuild/protobuf", "Apache License", "Redistribution and use"];
  assert.deepEqual(
    needed.filter((words) => !text.includes(words)),
    [],
  );
});
