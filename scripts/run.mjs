import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Where the command is put that the package ships: in the folder `dist`, but not the compiler's output. */
export const bundleFolder = "dist/command";

/**
 * Runs a program in the project's folder, without input and without showing its output. When it fails, shows the
 * output and ends this process with the program's exit code.
 */
export function run(program, words, environment = {}) {
  const { status, error, output } = spawnSync(program, words, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status === 0) return;
  process.stderr.write((output ?? []).filter((text) => text !== null).join(""));
  console.error(`Failed${error === undefined ? "" : ` (${error.message})`}: ${[program, ...words].join(" ")}`);
  process.exit(status ?? 1);
}

/** Whether a program runs and exits with 0, without being shown or asked anything. */
export function succeeds(program, words) {
  return spawnSync(program, words, { stdio: "ignore" }).status === 0;
}
