import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEtcd } from "#dist/testing/index.js";
import { etcdlockerPath } from "../support/etcdlocker.ts";
import { assertNothingLeft } from "../support/leftovers.ts";
import { type FencedBlock, readAnchors, readFencedBlocks, readLinks } from "../support/markdown.ts";
import { startProgram } from "../support/programs.ts";

const project = fileURLToPath(new URL("../../..", import.meta.url));

const pagesWithPrograms = ["README.md", "docs/api.md", "docs/migrating-from-1.md"];
const pages = [
  ...pagesWithPrograms,
  "docs/cli.md",
  "docs/compatibility.md",
  "docs/design.md",
  "docs/guarantees.md",
  "docs/other-languages.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
];

const texts = new Map(
  await Promise.all(pages.map(async (page) => [page, await readFile(join(project, page), "utf8")] as const)),
);
const cluster = await startEtcd();
const [endpoint = ""] = cluster.endpoints;

after(() => cluster.stop());

for (const page of pagesWithPrograms) {
  for (const block of readFencedBlocks(textOf(page))) {
    const { language, line, heading, output } = block;
    if (language === "text") continue;
    const effect = output === undefined ? "runs" : "prints what the page says";
    test(`${page}, line ${line}: the ${language} program under "${heading}" ${effect}`, async (t) => {
      const { code, stdout, stderr } = await runBlock(t, block);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, "");
      if (output !== undefined) assert.equal(stdout, output);
      await assertNothingLeft(cluster);
    });
  }
}

for (const page of pages) {
  test(`every link of ${page} leads somewhere`, async () => {
    const targets = await Promise.all(readLinks(textOf(page)).map((link) => isDead(page, link)));
    assert.deepEqual(targets.filter(Boolean), []);
  });

  test(`every file that ${page} names is there`, () => {
    const named = [...textOf(page).matchAll(/`((?:src|test|demo|docs|scripts|proto)\/[\w./-]+)`/g)];
    const missing = named.map(([, file = ""]) => file).filter((file) => !existsSync(join(project, file)));
    assert.deepEqual(missing, []);
  });
}

test("every test that docs/guarantees.md names exists under that title", async () => {
  const named = [...textOf("docs/guarantees.md").matchAll(/`(test\/[\w./-]+\.test\.ts)`: ((?:"[^"]+"(?:; )?)+)/g)];
  assert.ok(named.length > 0);
  const missing = await Promise.all(
    named.map(async ([, file = "", quoted = ""]) => {
      const source = await readFile(join(project, file), "utf8");
      const titles = [...quoted.matchAll(/"([^"]+)"/g)].flatMap(([, title = ""]) => title.split(" › "));
      return titles.filter((title) => !source.includes(title)).map((title) => `${file}: ${title}`);
    }),
  );
  assert.deepEqual(missing.flat(), []);
});

function textOf(page: string): string {
  return texts.get(page) ?? "";
}

/** Runs a block as a program of its own, in a folder where the package is installed. */
async function runBlock(
  t: TestContext,
  { language, text }: FencedBlock,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const folder = await makeUsersFolder();
  t.after(() => rm(folder, { recursive: true }));
  const program = text.replaceAll("localhost:2379", endpoint);
  const words = await writeProgram(folder, language, program);
  const running = startProgram(words[0] ?? "", words.slice(1), {
    folder,
    environment: {
      PATH: [join(folder, "node_modules", ".bin"), process.env.PATH].join(delimiter),
      ETCD_LOCK_HOST: endpoint,
      ETCD_LOCK_KEY: undefined,
      ETCD_LOCK_ID: undefined,
      ETCD_LOCK_TTL: undefined,
      ETCD_LOCK_REFRESH: undefined,
    },
  });
  running.child.stdin?.end();
  const { code } = await running.end();
  return { code, stdout: running.stdout, stderr: running.stderr };
}

/** A folder as `npm install etcd-lock` leaves it. */
async function makeUsersFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-readme-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, ".bin"), { recursive: true });
  await symlink(project, join(modules, "etcd-lock"));
  await symlink(join(project, "node_modules", "@types"), join(modules, "@types"));
  // The compiler does not make it executable; npm does when it installs the package.
  const command = `#!/bin/sh\nexec '${process.execPath}' '${etcdlockerPath}' "$@"\n`;
  await writeFile(join(modules, ".bin", "etcdlocker"), command, { mode: 0o755 });
  return folder;
}

/** Writes the program, compiled if need be, and gives the words that start it. */
async function writeProgram(folder: string, language: string, program: string): Promise<readonly string[]> {
  switch (language) {
    case "sh":
      return ["sh", "-eu", "-c", program];
    case "js": {
      const file = program.includes("require(") ? "program.cjs" : "program.mjs";
      await writeFile(join(folder, file), program);
      return [process.execPath, file];
    }
    case "ts":
      await writeFile(join(folder, "program.mts"), program);
      await compile(folder, "program.mts");
      return [process.execPath, "program.mjs"];
    default:
      throw new Error(`It is not known how to run a block of ${JSON.stringify(language)}; mark it as text`);
  }
}

async function compile(folder: string, file: string): Promise<void> {
  const compiler = join(project, "node_modules", "typescript", "bin", "tsc");
  const options = ["--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"];
  const lib = ["--lib", "es2022,esnext.disposable"];
  const compiling = startProgram(process.execPath, [compiler, ...options, ...lib, file], { folder });
  const { code } = await compiling.end();
  assert.equal(code, 0, compiling.stdout);
}

/** The link, if it leads nowhere. */
async function isDead(page: string, link: string): Promise<string | undefined> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? join(project, page) : join(project, dirname(page), path);
  if (!existsSync(target)) return link;
  if (anchor === undefined) return undefined;
  return readAnchors(await readFile(target, "utf8")).includes(anchor) ? undefined : link;
}
