import { parseArgs } from "node:util";

/** How a run is to be made. */
export interface BenchOptions {
  /** Only scenarios whose id contains one of these; all of them when there are none. */
  readonly only: readonly string[];
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Where JSON and charts go. */
  readonly out: string;
  /** Where each Node.js program of ours leaves a CPU profile; `undefined` for nowhere. */
  readonly profiles: string | undefined;
  readonly lists: boolean;
}

export const usage = `Usage: npm run bench -- [options]

  --only WORDS    only scenarios with these ids, or whose ids contain these words, separated by commas
  --quick         all scenarios but the slowest, with short rounds (3 to 4 minutes)
  --rounds N      how often each peer is measured in each scenario (4; quick: 3)
  --out FOLDER    where results go (a complete run: bench/results; any other: build/bench-results)
  --profile       leave CPU profiles of etcd-lock's processes in build/bench-profiles
  --list          show the scenarios, and end
`;

const fullRounds = 4;
const quickRounds = 3;

/** @throws TypeError that says what is wrong with the words. */
export function parseOptions(words: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      out: { type: "string" },
      profile: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
    },
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new TypeError(`--rounds must be a whole number from 1; got ${values.rounds}`);
  }
  const only = values.only.flatMap((list) => list.split(",")).filter((word) => word !== "");
  const isComplete = only.length === 0 && !values.quick && !values.profile && (rounds ?? fullRounds) >= fullRounds;
  return {
    only,
    isQuick: values.quick,
    rounds: rounds ?? (values.quick ? quickRounds : fullRounds),
    out: values.out ?? (isComplete ? "bench/results" : "build/bench-results"),
    profiles: values.profile ? "build/bench-profiles" : undefined,
    lists: values.list,
  };
}
