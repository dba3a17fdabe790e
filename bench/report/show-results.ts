import { peerLabels } from "../peers.ts";
import { type PeerResult, ratioOf, roundsOf, type ScenarioResult } from "../results.ts";
import { spread } from "../statistics.ts";
import type { Outcome } from "../targets.ts";
import { figureLabels, inDigits, inTimes } from "./numbers.ts";
import { textTable } from "./text-table.ts";

/** One scenario for the terminal: how many times each peer's figure ours is, then what was measured. */
export function showScenario(result: ScenarioResult): string {
  const ours = result.peers.find(({ peer }) => peer === "etcd-lock");
  const names = [...new Set(result.peers.flatMap(({ rounds }) => Object.keys(rounds[0] ?? {})))];
  const figures = [result.mainFigure, ...names.filter((name) => name !== result.mainFigure)];
  const header = ["", "ours : this", ...figures.map((name) => figureLabels[name] ?? name), "holds", "overlaps"];
  const rows = result.peers.map((peer) => [
    peerLabels[peer.peer] ?? peer.peer,
    showRatio(ours, peer, result.mainFigure),
    ...figures.map((name, index) => showFigure(peer, name, index === 0)),
    peer.check === undefined ? "" : inDigits(peer.check.holds),
    peer.check === undefined ? "" : String(peer.check.overlaps + peer.check.tokensOutOfOrder),
  ]);
  const missing = result.missing.map(({ peer, reason }) => `  not measured: ${peerLabels[peer] ?? peer}: ${reason}`);
  return [`\n${result.title}  [${result.id}, ${inDigits(result.seconds)} s]`, textTable(header, rows), ...missing].join(
    "\n",
  );
}

/** What was to be reached, and what was. */
export function showTargets(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ title, wanted, measured, isReached }) => [
    title,
    wanted,
    measured === undefined ? "not measured" : inDigits(measured),
    isReached === undefined ? "" : isReached ? "reached" : "MISSED",
  ]);
  return textTable(["", "wanted", "measured", ""], rows);
}

function showRatio(ours: PeerResult | undefined, peer: PeerResult, figure: string): string {
  if (ours === undefined || ours === peer) return "";
  const ratio = ratioOf(roundsOf(ours, figure), roundsOf(peer, figure));
  return ratio === undefined ? "" : inTimes(ratio.median);
}

function showFigure(peer: PeerResult, name: string, withSpread: boolean): string {
  const rounds = roundsOf(peer, name);
  if (rounds.length === 0) return "";
  const { median, min, max } = spread(rounds);
  return withSpread && rounds.length > 1
    ? `${inDigits(median)} (${inDigits(min)} to ${inDigits(max)})`
    : inDigits(median);
}
