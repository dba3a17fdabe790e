import { type Histogram, type Spread, spread } from "./statistics.ts";
import type { Check } from "./turns.ts";

/** Named figures of one peer in one round. Rates are per second, `…Ms` milliseconds. */
export type Figures = Readonly<Record<string, number>>;

/** What one peer did in one scenario. */
export interface PeerResult {
  readonly peer: string;
  /** In the order of the rounds; the same round of two peers was measured one right after the other. */
  readonly rounds: readonly Figures[];
  readonly check?: Check | undefined;
  readonly histogram?: Histogram | undefined;
}

/** A peer that could not be had, and why. */
export interface MissingPeer {
  readonly peer: string;
  readonly reason: string;
}

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  /** The figure that is compared first. */
  readonly mainFigure: string;
  readonly peers: readonly PeerResult[];
  readonly missing: readonly MissingPeer[];
  readonly seconds: number;
}

/** The results of a run so far. */
export class Results {
  readonly #scenarios: readonly ScenarioResult[];

  constructor(scenarios: readonly ScenarioResult[]) {
    this.#scenarios = scenarios;
  }

  /** The figure of every round; empty when it was not measured. */
  rounds(scenario: string, peer: string, figure: string): readonly number[] {
    const result = this.#scenarios.find(({ id }) => id === scenario)?.peers.find((one) => one.peer === peer);
    return roundsOf(result, figure);
  }

  /** The median over the rounds; `undefined` when it was not measured. */
  median(scenario: string, peer: string, figure: string): number | undefined {
    const rounds = this.rounds(scenario, peer, figure);
    return rounds.length === 0 ? undefined : spread(rounds).median;
  }

  /** How many times the other peer's figure; compared round by round. */
  ratio(scenario: string, peer: string, other: string, figure: string): Spread | undefined {
    return ratioOf(this.rounds(scenario, peer, figure), this.rounds(scenario, other, figure));
  }
}

/** The figure of every round; empty when it was not measured. */
export function roundsOf(result: PeerResult | undefined, figure: string): readonly number[] {
  return (result?.rounds ?? []).flatMap((figures) => figures[figure] ?? []);
}

/** The quotients, round by round; `undefined` when there are none. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Spread | undefined {
  const quotients = ours.flatMap((value, round) => {
    const other = theirs[round];
    return other === undefined ? [] : [value / other];
  });
  return quotients.length === 0 ? undefined : spread(quotients);
}
