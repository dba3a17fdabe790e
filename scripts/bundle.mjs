// Makes the command of the compiled code and of what it stands on: a few files, which Node.js loads in a fraction of the
// time that it takes for hundreds. Silent, and done in a moment, when nothing has changed.

import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { bundleFolder, root } from "./run.mjs";

const folder = join(root, bundleFolder);
/** Written last. */
const licences = join(folder, "LICENSES.txt");

if (isStale()) await bundle();

function isStale() {
  if (!existsSync(licences)) return true;
  const compiled = readdirSync(join(root, "dist"), { recursive: true }).filter((file) => file.endsWith(".js"));
  const sources = compiled.map((file) => join(root, "dist", file)).filter((file) => !file.startsWith(folder));
  const others = ["package-lock.json", "scripts/bundle.mjs", "scripts/run.mjs"].map((file) => join(root, file));
  const madeAt = statSync(licences).mtimeMs;
  return [...sources, ...others].some((file) => statSync(file).mtimeMs > madeAt);
}

async function bundle() {
  const command = await rolldown({
    cwd: root,
    input: ["bin", "guardian-program"].map((name) => `dist/cli/${name}.js`),
    platform: "node",
    onLog: (_level, log) => {
      throw new Error(log.message);
    },
  });
  rmSync(folder, { recursive: true, force: true });
  const { output } = await command.write({
    dir: folder,
    format: "cjs",
    minify: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  });
  for (const { fileName, code } of output) writeFileSync(join(folder, fileName), toAscii(code));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
  writeFileSync(licences, describeLicences(output.flatMap((chunk) => Object.keys(chunk.modules ?? {}))));
}

/** Texts of one byte a character take half the memory, and less time to be read. Others are only in strings. */
function toAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The licences of the packages that `files` belong to, as they want to be passed on. */
function describeLicences(files) {
  const packages = new Map();
  for (const file of files) {
    const path = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (path !== undefined) packages.set(path, [...(packages.get(path) ?? []), file]);
  }
  const descriptions = [...packages].map(([path, parts]) => {
    const { name, version, license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${licenceText(path, parts)}\n`;
  });
  const introduction = "The programs in this folder contain parts of these packages.\n";
  return [introduction, ...descriptions.sort((a, b) => a.localeCompare(b, "en"))].join(`\n${"=".repeat(80)}\n\n`);
}

/** A package without such a file says it at the beginning of its sources. */
function licenceText(path, files) {
  const file = readdirSync(path).find((name) => /^licen[sc]e(\.\w+)?$/i.test(name));
  if (file !== undefined) return readFileSync(join(path, file), "utf8").trim();
  const notices = files.map((source) => /^(\/\/.*\n)+/.exec(readFileSync(source, "utf8"))?.[0] ?? "");
  const text = [...new Set(notices)]
    .join("\n")
    .replace(/^\/\/ ?/gm, "")
    .trim();
  if (text === "") throw new Error(`${path} has no licence that could be passed on`);
  return text;
}
