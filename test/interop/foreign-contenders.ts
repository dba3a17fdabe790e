import { join } from "node:path";
import { findEtcd } from "#dist/testing/index.js";
import { provideGoProgram } from "../../provision/go-program.ts";
import { provideJavaProgram } from "../../provision/java-program.ts";
import type { Provided } from "../../provision/provided.ts";
import { rootFolder } from "../../provision/root-folder.ts";
import { type ContenderKind, etcdctl, startOnCommand } from "../support/contenders.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { mayFetch } from "./may-fetch.ts";

const programs = join(rootFolder, "test/interop/programs");
const javaSources = { folder: join(programs, "java"), mainClass: "Contender" };

/** A kind of contender in another language, or why it is not here. */
export interface Foreign {
  readonly kind: string;
  readonly provided: Provided<ContenderKind>;
}

/** Etcd's own client for Go, at its newest: `concurrency.Mutex` and `concurrency.Election`. */
export async function provideGo(): Promise<Foreign> {
  const kind = "Go";
  const provided = await provideGoProgram(join(programs, "go"));
  if ("missing" in provided) return { kind, provided };
  const { path } = provided.thing;
  return {
    kind,
    provided: {
      thing: {
        kind,
        start: (setting, options) => startOnCommand(kind, setting, options, (words) => startProgram(path, words)),
      },
    },
  };
}

/** jetcd, which has etcd's lock service and election service do the work. */
export async function provideJetcd(): Promise<Foreign> {
  const kind = "jetcd";
  const provided = await provideJavaProgram(javaSources, { mayFetch });
  if ("missing" in provided) return { kind, provided };
  const java = provided.thing.words;
  return {
    kind,
    provided: {
      thing: {
        kind,
        // It wants addresses as URLs.
        start: (setting, options) =>
          startOnCommand(kind, setting, options, ([contest = "", endpoints = "", ...words]) =>
            startProgram("java", [...java, contest, `http://${endpoints}`, ...words]),
          ),
      },
    },
  };
}

/** `etcdctl elect`: one turn. It hands out no token, and a read after winning stands for it, as for the other elections. */
export const etcdctlElection: ContenderKind = {
  kind: "etcdctl elect",
  start: async (setting) => {
    let program: Program | undefined;
    return {
      kind: "etcdctl elect",
      enter: async () => {
        const words = [`--endpoints=${setting.cluster.endpoints}`, "elect", setting.key, "proposal of etcdctl"];
        const candidate = startProgram(findEtcd().etcdctl ?? "etcdctl", words);
        program = candidate;
        setting.onEnd(() => candidate.kill());
        await candidate.line(/^proposal of etcdctl$/, 60_000);
        const { header } = JSON.parse(await setting.cluster.etcdctl("get", setting.key, "--write-out=json"));
        return BigInt(header.revision);
      },
      leave: async () => {
        program?.signal("SIGINT");
        await program?.end();
      },
      end: async () => program?.ended,
    };
  },
};

/** All foreign kinds, those that are not here with the reason. */
export async function provideForeign(): Promise<readonly Foreign[]> {
  const [go, jetcd] = await Promise.all([provideGo(), provideJetcd()]);
  return [go, { kind: etcdctl.kind, provided: { thing: etcdctl } }, jetcd];
}

/** Those that are here. */
export function kindsOf(foreign: readonly Foreign[]): readonly ContenderKind[] {
  return foreign.flatMap(({ provided }) => ("thing" in provided ? [provided.thing] : []));
}

/** For the option `skip` of a test. */
export function whyMissing({ provided }: Foreign): string | false {
  return "missing" in provided ? provided.missing : false;
}
