import { describeHold, holdsByName } from "./by-name.ts";
import { Largest } from "./largest.ts";
import type { Hold, Story } from "./story.ts";
import type { Violation } from "./violation.ts";

/**
 * Invariant 3: of two, one of whom wants to be alone, the one who came first enters first. By the places in line that etcd
 * gave; and, whatever those say, when somebody stood in line before the other one even wanted to.
 */
export function checkOrder({ holds }: Story): readonly Violation[] {
  const ours = holds.filter(({ attempt }) => attempt.family === "own");
  return [...holdsByName(ours).values()].flatMap((line) => [...checkPlaces(line), ...checkArrivals(line)]);
}

function checkPlaces(line: readonly Hold[]): readonly Violation[] {
  const placed = line.flatMap((hold) =>
    hold.createRevision === undefined ? [] : [{ hold, place: hold.createRevision }],
  );
  placed.sort((a, b) => Number(a.place - b.place));
  const ahead = new Largest();
  return placed.flatMap(({ hold }) => {
    const passed = ahead.above(hold);
    ahead.add(hold);
    return passed === undefined ? [] : [describe(hold, passed, "whose place in line was before")];
  });
}

function checkArrivals(line: readonly Hold[]): readonly Violation[] {
  const known = line
    .flatMap((hold) => {
      const wait = hold.attempt.waits.find(({ name, key }) => name === hold.name && key === hold.key);
      return wait === undefined ? [] : [{ hold, at: wait.at }];
    })
    .sort((a, b) => a.at - b.at);
  const byRequest = line.toSorted((a, b) => a.attempt.requestedAt - b.attempt.requestedAt);
  const ahead = new Largest();
  let next = 0;
  return byRequest.flatMap((hold) => {
    for (let first = known[next]; first !== undefined && first.at < hold.attempt.requestedAt; first = known[next]) {
      ahead.add(first.hold);
      next += 1;
    }
    const passed = ahead.above(hold);
    return passed === undefined ? [] : [describe(hold, passed, "who had stood in line before that one came")];
  });
}

function describe(hold: Hold, passed: Hold, how: string): Violation {
  return {
    ...{ invariant: 3, at: hold.from, name: hold.name, isOfTime: false },
    attempts: [hold.attempt.id, passed.attempt.id],
    text: `${describeHold(hold)} was served before ${describeHold(passed)}, ${how}`,
  };
}
