import { parseArgs } from "node:util";

/** What a run is to cover. */
export interface MatrixOptions {
  /** Releases of etcd, each such as `3.6` or `3.6.16`. */
  readonly etcd: readonly string[];
  /** Versions of Node.js, each such as `24` or `20.19`. */
  readonly node: readonly string[];
  /** Only the essential tests on the newest etcd, if it is here: the part that belongs to `npm test`. */
  readonly isSmoke: boolean;
}

const allEtcd = ["3.4", "3.5", "3.6", "3.7"];
/** The oldest that is supported, and the newest of each later line. */
const allNode = ["20.19", "22", "24", "26"];

export const newestEtcd = "3.7";

export const usage = `Usage: npm run test:matrix -- [options]

  --etcd VERSIONS   the integration and fault tests on these releases of etcd (${allEtcd.join(",")})
  --node VERSIONS   the package tests and a smoke test on these versions of Node.js (${allNode.join(",")})
  --smoke           the essential tests on etcd ${newestEtcd}, if it is here; nothing is fetched or noted

With --etcd alone or --node alone, only that.
`;

/** @throws TypeError that says what is wrong with the words. */
export function parseOptions(words: readonly string[]): MatrixOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      etcd: { type: "string", multiple: true },
      node: { type: "string", multiple: true },
      smoke: { type: "boolean", default: false },
    },
  });
  const { etcd, node, smoke } = values;
  const isOpen = etcd === undefined && node === undefined;
  return {
    etcd: readVersions("--etcd", etcd, isOpen ? allEtcd : [], /^3\.\d+(\.\d+)?$/),
    node: readVersions("--node", node, isOpen ? allNode : [], /^\d+(\.\d+){0,2}$/),
    isSmoke: smoke,
  };
}

function readVersions(
  option: string,
  given: readonly string[] | undefined,
  otherwise: readonly string[],
  pattern: RegExp,
): readonly string[] {
  const versions = given?.flatMap((word) => word.split(",")) ?? otherwise;
  const wrong = versions.find((version) => !pattern.test(version));
  if (wrong !== undefined) throw new TypeError(`${option} takes versions, separated by commas; got ${wrong}`);
  return versions;
}
