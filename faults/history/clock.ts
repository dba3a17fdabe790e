/** CLOCK_MONOTONIC in milliseconds: the same in all processes of this machine, whatever language they are in. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
