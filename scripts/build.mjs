import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundleFolder, root, run } from "./run.mjs";

/** Where the compiler's output for each folder of sources goes. */
const outputs = [
  { sources: "src", output: "dist" },
  { sources: "test", output: "build/test" },
  { sources: "demo", output: "build/demo" },
  { sources: "bench", output: "build/bench" },
  { sources: "provision", output: "build/provision" },
  { sources: "matrix", output: "build/matrix" },
  { sources: "faults", output: "build/faults" },
];

/** Sources that the compiler is told to leave out: they are compiled, or run, as a user of the package would. */
const leftOut = /^test\/package\/consumers\//;

const source = /(?<!\.d)\.ts$/;
const outputEndings = [".js", ".d.ts"];

/**
 * Compiles and bundles what has changed, and removes the output of sources that are gone, which the compiler leaves behind.
 * Ends this process, showing the compiler's messages, when the code has errors.
 */
export function build() {
  const wanted = new Set(outputs.flatMap(wantedFiles));
  for (const { output } of outputs) removeAllBut(wanted, output);
  const isComplete = [...wanted].every((file) => existsSync(join(root, file)));
  // The compiler trusts its notes, and does not see that an output was deleted.
  const words = isComplete ? [] : ["--force"];
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  run(process.execPath, [compiler, "--build", ...words, "tsconfig.json", "test/tsconfig.json"]);
  run(process.execPath, [join("scripts", "bundle.mjs")]);
}

function wantedFiles({ sources, output }) {
  return listFiles(sources)
    .filter((file) => source.test(file) && !leftOut.test(file))
    .map((file) => output + file.slice(sources.length).replace(source, ""))
    .flatMap((file) => outputEndings.map((ending) => file + ending));
}

/** Removes every other file in `folder`, and the folders that are empty then. */
function removeAllBut(wanted, folder) {
  for (const entry of list(folder)) {
    const path = `${folder}/${entry.name}`;
    if (path === bundleFolder) continue;
    if (entry.isDirectory()) removeAllBut(wanted, path);
    else if (!wanted.has(path)) rmSync(join(root, path));
  }
  if (existsSync(join(root, folder)) && list(folder).length === 0) rmdirSync(join(root, folder));
}

function listFiles(folder) {
  // Folders whose name begins with a dot are nobody's source.
  const entries = list(folder).filter(({ name }) => !name.startsWith("."));
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

function list(folder) {
  return existsSync(join(root, folder)) ? readdirSync(join(root, folder), { withFileTypes: true }) : [];
}
