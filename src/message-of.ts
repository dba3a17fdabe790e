/** What an error says. Of a host with several addresses, Node.js says in one error without words what is wrong with each. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(messageOf))].join(", ");
  return error instanceof Error ? error.message : String(error);
}
