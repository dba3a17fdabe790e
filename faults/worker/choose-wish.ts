import type { Random } from "../../test/support/random.ts";
import type { LockNames } from "./worker-job.ts";

/** What a caller takes next, and what it does then. */
export interface Choice {
  readonly names: readonly string[];
  readonly mode: "exclusive" | "shared";
  readonly permits: number;
  readonly isClassic: boolean;
  readonly isImpatient: boolean;
  /** Waits no longer than that. */
  readonly patienceMs: number | undefined;
  /** How long it wants to stay inside. */
  readonly stayMs: number;
  /** Goes on writing when the lock is lost. */
  readonly isHeedless: boolean;
}

const plain: Pick<Choice, "mode" | "permits" | "isClassic" | "isImpatient" | "patienceMs"> = {
  mode: "exclusive",
  permits: 1,
  isClassic: false,
  isImpatient: false,
  patienceMs: undefined,
};

/** Most stays are short, some outlast renewals. */
export function chooseWish(random: Random, names: LockNames, ttlMs: number): Choice {
  return {
    ...plain,
    ...chooseKind(random, names),
    stayMs: random.chance(0.93) ? random.between(2, ttlMs / 30) : random.between(ttlMs / 5, ttlMs * 1.2),
    isHeedless: random.chance(0.15),
    ...(random.chance(0.1) && { patienceMs: random.between(ttlMs / 10, ttlMs * 2) }),
  };
}

/** Somebody is to be inside whenever something happens, and to depend on renewals. */
export function chooseLongStay(random: Random, names: LockNames, ttlMs: number): Choice {
  return {
    ...plain,
    names: [random.oneOf(names.kept)],
    isClassic: random.chance(0.3),
    stayMs: ttlMs * random.between(1, 2.5),
    isHeedless: random.chance(0.2),
  };
}

function chooseKind(random: Random, names: LockNames): Pick<Choice, "names"> & Partial<Choice> {
  const dice = random.fraction();
  if (dice < 0.3) return { names: [random.oneOf(names.exclusive)] };
  if (dice < 0.4) return { names: [random.oneOf(names.exclusive)], isClassic: true };
  if (dice < 0.45) return { names: [random.oneOf(names.exclusive)], isImpatient: true };
  if (dice < 0.55) return { names: random.shuffled(names.several).slice(0, random.chance(0.7) ? 2 : 3) };
  if (dice < 0.7) return { names: [random.oneOf(names.mixed)] };
  if (dice < 0.87) return { names: [random.oneOf(names.shared)], mode: random.chance(0.75) ? "shared" : "exclusive" };
  return { names: [random.oneOf(names.permits)], permits: random.chance(0.8) ? 3 : 2 };
}
