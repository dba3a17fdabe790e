/** A reporter for Node.js's test runner: names at the end what was skipped, and why. */
export default async function* reportSkipped(events) {
  const reasons = new Map();
  for await (const { type, data } of events) {
    if (type !== "test:pass" || !data.skip) continue;
    const reason = data.skip === true ? "no reason given" : data.skip;
    reasons.set(reason, [...(reasons.get(reason) ?? []), data.name]);
  }
  for (const [reason, titles] of reasons) yield `Skipped: ${reason}\n${titles.map((title) => `  ${title}\n`).join("")}`;
}
