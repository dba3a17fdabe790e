// npm run load -- [--locks 10000] [--waiters 1000]
// Many locks are held, and many waiters stand in one line, while every member of etcd is restarted.

import { parseArgs } from "node:util";
import { readNumber } from "../support/number-option.ts";
import { runLoad } from "./run-load.ts";

const { values } = parseArgs({
  options: { locks: { type: "string", default: "10000" }, waiters: { type: "string", default: "1000" } },
});
const [locks, waiters] = [readNumber("locks", values.locks), readNumber("waiters", values.waiters)];
const outcome = await runLoad({ locks, waiters });
console.log(JSON.stringify(outcome));
const isWell = outcome.lost === 0 && outcome.servedOutOfTurn === 0 && outcome.served === waiters;
process.exitCode = isWell ? 0 : 1;
