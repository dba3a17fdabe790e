import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readExports } from "../support/declarations.ts";
import { readAnchors, readFencedBlocks, readLinks } from "../support/markdown.ts";

const project = fileURLToPath(new URL("../../..", import.meta.url));
const page = await readFile(join(project, "docs", "api.md"), "utf8");
const recipes = (await readdir(join(project, "docs", "recipes"))).map((name) => `docs/recipes/${name}`);

for (const index of ["dist/index.d.ts", "dist/testing/index.d.ts"]) {
  test(`docs/api.md explains everything that ${index} exports, with all properties, options and methods`, async () => {
    const declarations = await readExports(pathToFileURL(join(project, index)));
    assert.ok(declarations.some(({ members }) => members.length > 5));
    const missing = declarations.flatMap(({ name, members }) => {
      const words = wordsOf(explanationOf(name));
      return [name, ...members].filter((word) => !words.has(word)).map((word) => `${name}: ${word}`);
    });
    assert.deepEqual(missing, []);
  });
}

test("docs/api.md names the diagnostics channel of each event", async () => {
  const declarations = await readExports(pathToFileURL(join(project, "dist/index.d.ts")));
  const events = declarations.find(({ name }) => name === "LockManagerEvents")?.members ?? [];
  assert.ok(events.length > 5);
  assert.deepEqual(
    events.filter((event) => !page.includes(`\`etcd-lock:${event}\``)),
    [],
  );
});

for (const recipe of recipes) {
  test(`what ${recipe} shows is part of the program that it links to`, async () => {
    const text = await readFile(join(project, recipe), "utf8");
    const linked = readLinks(text).filter((link) => link.includes("/examples/"));
    const programs = await Promise.all(linked.map((link) => readFile(join(project, dirname(recipe), link), "utf8")));
    const shown = readFencedBlocks(text).filter(({ language }) => language !== "text");
    const invented = shown.filter(
      (block) => !programs.some((program) => withoutIndent(program).includes(withoutIndent(block.text))),
    );
    assert.deepEqual(
      invented.map(({ line }) => `line ${line}`),
      [],
    );
  });
}

for (const file of ["docs/api.md", ...recipes]) {
  test(`every link of ${file} leads somewhere`, async () => {
    const links = readLinks(await readFile(join(project, file), "utf8"));
    const dead = await Promise.all(links.map((link) => isDead(file, link)));
    assert.deepEqual(
      links.filter((_, index) => dead[index]),
      [],
    );
  });
}

/** The section whose heading has the name, or else the lines that have it. */
function explanationOf(name: string): string {
  const heading = new RegExp(`^(#+) \`${name}\`$(.*?)(?=^#{1,3} |(?![^]))`, "ms").exec(page);
  return (
    heading?.[0] ??
    page
      .split("\n")
      .filter((line) => line.includes(`\`${name}\``) || line.includes(`\`${name}(`))
      .join("\n")
  );
}

/** The words that stand in code. */
function wordsOf(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/`([^`]*)`/g)].flatMap(([, code = ""]) => code.match(/\w+/g) ?? []));
}

function withoutIndent(text: string): string {
  return text.replace(/^ +/gm, "").trim();
}

async function isDead(file: string, link: string): Promise<boolean> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? join(project, file) : join(project, dirname(file), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && !readAnchors(await readFile(target, "utf8")).includes(anchor);
}
