import { parseArgs } from "node:util";
import { allFaults } from "./faults/all-faults.ts";
import type { Fault } from "./faults/fault.ts";
import { mutants } from "./mutants/all-mutants.ts";
import type { Mutant } from "./mutants/mutant.ts";
import type { Contender } from "./run/traffic.ts";

/** What was asked for. */
export interface FaultsOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly Fault[];
  readonly etcdVersion: string | undefined;
  readonly ttlSeconds: number;
  readonly workers: number;
  readonly callers: number;
  readonly jobs: number;
  readonly contender: Contender;
  readonly mutant: Mutant | undefined;
  /** Where the report goes. */
  readonly out: string;
  readonly lists: boolean;
}

const contenders = ["etcd-lock", "etcdctl", "etcd3"] as const;

export const usage = `Usage: npm run faults -- [options]

  --minutes N       how long faults are inflicted; in any case until each was (3)
  --seed N          which faults, and when: the same number gives the same plan (a random one)
  --only WORDS      only faults with these names, separated by commas
  --etcd VERSION    which etcd, such as 3.5: built if need be (the one that is installed)
  --ttl SECONDS     of all locks (3)
  --workers N       client processes (3), with
  --callers N       turns at a time in each (14)
  --jobs N          commands under etcdlocker at a time (4)
  --mutant NAME     test etcd-lock with a fault of its own, which has to be found
  --contender NAME  test another lock in the place of etcd-lock: ${contenders.slice(1).join(", ")}
  --out FOLDER      where the report goes (build/faults-report)
  --list            show faults and mutants, and end

Exit codes: 0 nothing was violated; 1 something was; 3 the machine was starved, and so nothing is proved; 64 wrong usage.
`;

/** @throws TypeError that says what is wrong with the words. */
export function parseOptions(words: readonly string[]): FaultsOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: "string", default: "3" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
      only: { type: "string", multiple: true, default: [] },
      etcd: { type: "string" },
      ttl: { type: "string", default: "3" },
      workers: { type: "string", default: "3" },
      callers: { type: "string", default: "14" },
      jobs: { type: "string", default: "4" },
      mutant: { type: "string" },
      contender: { type: "string", default: "etcd-lock" },
      out: { type: "string", default: "build/faults-report" },
      list: { type: "boolean", default: false },
    },
  });
  const contender = contenders.find((known) => known === values.contender);
  if (contender === undefined) throw unknown("contender", values.contender, contenders);
  return {
    seed: wholeNumber("seed", values.seed, 0),
    minutes: positive("minutes", values.minutes),
    faults: chooseFaults(values.only.flatMap((list) => list.split(",")).filter((word) => word !== "")),
    etcdVersion: values.etcd,
    ttlSeconds: wholeNumber("ttl", values.ttl, 2),
    workers: wholeNumber("workers", values.workers, 1),
    callers: wholeNumber("callers", values.callers, 1),
    jobs: wholeNumber("jobs", values.jobs, 1),
    contender,
    mutant: values.mutant === undefined ? undefined : findMutant(values.mutant),
    out: values.out,
    lists: values.list,
  };
}

function chooseFaults(names: readonly string[]): readonly Fault[] {
  if (names.length === 0) return allFaults;
  return names.map((name) => {
    const fault = allFaults.find((each) => each.name === name);
    if (fault === undefined)
      throw unknown(
        "only",
        name,
        allFaults.map((each) => each.name),
      );
    return fault;
  });
}

function findMutant(name: string): Mutant {
  const mutant = mutants.find((each) => each.name === name);
  if (mutant === undefined)
    throw unknown(
      "mutant",
      name,
      mutants.map((each) => each.name),
    );
  return mutant;
}

function unknown(option: string, got: string, allowed: readonly string[]): TypeError {
  return new TypeError(`--${option} must be one of ${allowed.join(", ")}; got ${JSON.stringify(got)}`);
}

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least && text.trim() !== "") return number;
  throw new TypeError(`--${option} must be a whole number from ${least}; got ${JSON.stringify(text)}`);
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new TypeError(`--${option} must be a number above 0; got ${JSON.stringify(text)}`);
}
