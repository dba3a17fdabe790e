/** The names that are contended for: of exclusive locks, and of one that is shared, counted or exclusive. */
export const names = { exclusive: ["/jobs/a", "/jobs/b"], mixed: "/pool" } as const;

export const lockNames: readonly string[] = [...names.exclusive, names.mixed];
