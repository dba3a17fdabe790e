import { delimiter } from "node:path";
import { readEtcdVersion } from "#dist/testing/etcd-version.js";
import { provideEtcd } from "#dist/testing/provide-etcd.js";
import { provideNode } from "../provision/node-release.ts";
import { runTests, type Totals } from "./run-tests.ts";
import { onEtcd, onNode } from "./test-selection.ts";

/** One version that the tests are run on. */
export interface Cell {
  /** In words, for example `etcd 3.6`. */
  readonly title: string;
  /** Resolves to the outcome, or why it could not be run. */
  run(): Promise<CellOutcome>;
}

export type CellOutcome = { readonly version: string; readonly totals: Totals } | { readonly missing: string };

/** Where `etcdctl` is beside the chosen etcd, and nothing else of the user's is meant for it. */
export function withEtcd(etcd: string): Readonly<Record<string, string | undefined>> {
  return { ETCD_BIN: etcd, ETCDCTL_BIN: undefined };
}

export function etcdCell(wanted: string): Cell {
  return {
    title: `etcd ${wanted}`,
    run: async () => {
      try {
        const { etcd } = await provideEtcd(wanted);
        const totals = await runTests({
          words: onEtcd,
          node: process.execPath,
          environment: withEtcd(etcd),
          log: `etcd-${wanted}.log`,
        });
        return { version: `etcd ${await readEtcdVersion(etcd)}`, totals };
      } catch (error) {
        return { missing: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

export function nodeCell(wanted: string): Cell {
  return {
    title: `Node.js ${wanted}`,
    run: async () => {
      const provided = await provideNode(wanted);
      if ("missing" in provided) return provided;
      const { path, folder, version } = provided.thing;
      // npm and etcdlocker look for node on the path.
      const environment = { PATH: [folder, process.env.PATH].join(delimiter) };
      const totals = await runTests({ words: onNode, node: path, environment, log: `node-${wanted}.log` });
      return { version: `Node.js ${version}`, totals };
    },
  };
}
