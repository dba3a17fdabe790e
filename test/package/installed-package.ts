import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProgram } from "../support/programs.ts";

const project = fileURLToPath(new URL("../../..", import.meta.url));
const commandLimitMs = 120_000;

/** The TypeScript that the project is compiled with, and the oldest that the package supports: folders to find them in. */
export const compilers = ["typescript", "typescript-oldest"] as const;

/** What users have beside the package. */
const companions = ["@types/node@20", "esbuild@0.28", "typescript-oldest@npm:typescript@5.8"];

const strictCompilation = {
  strict: "true",
  skipLibCheck: "false",
  noEmitOnError: "true",
  target: "es2022",
  types: "node",
};

/** The package, packed and installed in a folder of its own as users do, with the consumer programs beside it. */
export class InstalledPackage {
  /** The consumers' folder. */
  readonly folder: string;
  /** The files in the tarball. */
  readonly packedFiles: readonly string[];
  readonly #tarball: string;

  constructor(folder: string, { filename, files }: PackedPackage) {
    this.folder = folder;
    this.packedFiles = files.map(({ path }) => path);
    this.#tarball = filename;
  }

  /** Where npm installed the package. */
  get packageFolder(): string {
    return join(this.folder, "node_modules", "etcd-lock");
  }

  /** Installs the package as `npm install --global` does, and resolves to the folder in place of `/usr/local`. */
  async installGlobally(): Promise<string> {
    const prefix = join(this.folder, "global");
    await install(this.folder, "--global", `--prefix=${prefix}`, this.#tarball);
    return prefix;
  }

  /** Runs a JavaScript file, and resolves to its standard output. Rejects when it fails or writes to standard error. */
  runScript(file: string, environment: Record<string, string> = {}): Promise<string> {
    return this.#run(process.execPath, [file], environment);
  }

  /** Compiles `files` strictly, our declarations included, with one of {@link compilers}. */
  async compile(
    compiler: (typeof compilers)[number],
    files: readonly string[],
    options: Readonly<Record<string, string>>,
  ): Promise<void> {
    const all = { ...strictCompilation, ...options };
    const words = Object.entries(all).flatMap(([option, value]) => [`--${option}`, value]);
    await this.#run(process.execPath, [join("node_modules", compiler, "bin", "tsc"), ...words, ...files]);
  }

  /** Runs the command etcdlocker as installed, and resolves to its standard output. */
  runEtcdlocker(...words: string[]): Promise<string> {
    return this.#run(join(this.folder, "node_modules", ".bin", "etcdlocker"), words);
  }

  /** Which files and which modules of Node.js itself the command loads. */
  async loadedByEtcdlocker(...words: string[]): Promise<{ files: readonly string[]; builtins: readonly string[] }> {
    const list = join(this.folder, "loaded.json");
    const program = join(this.packageFolder, "dist", "command", "bin.js");
    await this.#run(process.execPath, ["--require", join(this.folder, "list-loaded.cjs"), program, ...words], {
      LOADED_LIST: list,
    });
    return JSON.parse(await readFile(list, "utf8"));
  }

  /** Bundles `file` for Node.js into `output`. */
  async bundle(file: string, output: string, format: "cjs" | "esm"): Promise<void> {
    // What the package stands on is CommonJS, and needs a require() when it is bundled into an ES module.
    const banner = `import{createRequire}from"node:module";const require=createRequire(import.meta.url);`;
    const words = [file, "--bundle", "--platform=node", "--log-level=warning", `--format=${format}`];
    if (format === "esm") words.push(`--banner:js=${banner}`);
    await this.#run(join("node_modules", ".bin", "esbuild"), [...words, `--outfile=${output}`]);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Rejects when the program fails, and when it warns. */
  async #run(program: string, words: readonly string[], environment: Record<string, string> = {}): Promise<string> {
    const { stdout, stderr } = await runProgram(this.folder, program, words, environment);
    if (stderr !== "") throw new Error(`${program} ${words.join(" ")} wrote to standard error:\n${stderr}`);
    return stdout;
  }
}

/** What `npm pack --json` says. */
interface PackedPackage {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Packs the compiled project and installs the tarball in an empty folder. */
export async function installPackage(): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-package-"));
  try {
    const packed = await pack(folder);
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true }));
    const typescript = `typescript@${await ourTypeScriptVersion()}`;
    await install(folder, packed.filename, typescript, ...companions);
    await cp(join(project, "test", "package", "consumers"), folder, { recursive: true });
    return new InstalledPackage(folder, packed);
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}

async function pack(folder: string): Promise<PackedPackage> {
  const output = await npm(project, "pack", "--json", "--ignore-scripts", `--pack-destination=${folder}`);
  // A list in some versions of npm, and an object by package name in others.
  const [packed] = Object.values<PackedPackage>(JSON.parse(output));
  if (packed === undefined) throw new Error(`npm pack made nothing: ${output}`);
  return packed;
}

async function ourTypeScriptVersion(): Promise<string> {
  const description = await readFile(join(project, "node_modules", "typescript", "package.json"), "utf8");
  const { version }: { version: string } = JSON.parse(description);
  return version;
}

async function install(folder: string, ...words: readonly string[]): Promise<void> {
  await npm(folder, "install", "--prefer-offline", "--ignore-scripts", ...words);
}

async function npm(folder: string, ...words: readonly string[]): Promise<string> {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  return (await runProgram(folder, "npm", [...words, ...quiet])).stdout;
}

async function runProgram(
  folder: string,
  program: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  const running = startProgram(program, words, { folder, environment });
  running.child.stdin?.end();
  const { code, signal } = await running.end(commandLimitMs);
  const { stdout, stderr } = running;
  if (code !== 0) {
    throw new Error(`${program} ${words.join(" ")} ended with ${signal ?? code}:\n${stdout}${stderr}`);
  }
  return { stdout, stderr };
}
