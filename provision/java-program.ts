import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type FetchOptions, fingerprint, keepFolder } from "./kept-folder.ts";
import type { Provided } from "./provided.ts";
import { runProgram, whyItFailed } from "./run-program.ts";
import { findProgram } from "./system-program.ts";

export interface JavaProgram {
  /** For `java`: all but the program's own words. */
  readonly words: readonly string[];
  /** Of jetcd. */
  readonly version: string;
}

/** What there is in a folder of sources: what it needs is in `pom.xml`. */
export interface JavaSources {
  readonly folder: string;
  readonly mainClass: string;
}

const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const limitMs = 10 * 60_000;

/** Compiles a program in Java, with what Maven fetches for it, unless that was done before. */
export async function provideJavaProgram(
  { folder, mainClass }: JavaSources,
  options: FetchOptions,
): Promise<Provided<JavaProgram>> {
  for (const program of ["java", "javac", "mvn"]) {
    if (findProgram(program) === undefined) return { missing: `${program} is not installed` };
  }
  try {
    const make = async (unfinished: string): Promise<void> => {
      console.error("Fetching what a program in Java needs (mvn dependency:copy-dependencies) ...");
      const jars = join(unfinished, "jars");
      const pom = join(folder, "pom.xml");
      await runProgram("mvn", ["-B", "-q", "-f", pom, copyDependencies, `-DoutputDirectory=${jars}`], { limitMs });
      const source = join(folder, `${mainClass}.java`);
      await runProgram("javac", ["-cp", join(jars, "*"), "-d", join(unfinished, "classes"), source], { limitMs });
    };
    const kept = await keepFolder(`java-${await fingerprint(folder)}`, make, options);
    const classPath = [join(kept, "jars", "*"), join(kept, "classes")].join(":");
    return { thing: { words: [...quickStart, "-cp", classPath, mainClass], version: await readVersion(folder) } };
  } catch (error) {
    return { missing: `the program in Java could not be made: ${whyItFailed(error)}` };
  }
}

/** It runs for seconds only. */
const quickStart = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx128m"];

async function readVersion(sources: string): Promise<string> {
  const pom = await readFile(join(sources, "pom.xml"), "utf8");
  return /<artifactId>jetcd-core<\/artifactId>\s*<version>(.*?)<\/version>/.exec(pom)?.[1] ?? "unknown";
}
