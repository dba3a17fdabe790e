// Program: looks at the clock every ten milliseconds, and writes down when the machine did not let it. It ends when its
// standard input does.

import { nowMs } from "../history/clock.ts";
import { Recorder } from "../history/recorder.ts";

const intervalMs = 10;
const lateMs = 100;

const recorder = new Recorder(process.argv[2] ?? "");
let last = nowMs();
setInterval(() => {
  const now = nowMs();
  const lengthMs = now - last - intervalMs;
  if (lengthMs > lateMs) recorder.write({ kind: "starved", lengthMs }, now);
  last = now;
}, intervalMs);
process.stdin.resume();
process.stdin.on("end", () => process.exit());
