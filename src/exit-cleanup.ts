type Cleanup = () => Promise<unknown>;

const cleanups = new Set<Cleanup>();

/**
 * Has `cleanup` run when the process has nothing left to do and is about to end. It does not run on `process.exit()` or a
 * signal. Returns what takes it back.
 */
export function onIdleExit(cleanup: Cleanup): () => void {
  if (cleanups.size === 0) process.on("beforeExit", runCleanups);
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
    if (cleanups.size === 0) process.off("beforeExit", runCleanups);
  };
}

function runCleanups(): void {
  // Each is best effort, and tells of its failure, if at all, to those that it concerns.
  for (const cleanup of cleanups) cleanup().catch(() => {});
}
