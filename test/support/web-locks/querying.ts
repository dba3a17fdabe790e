import assert from "node:assert/strict";
import { type Hold, hold, itConforms, query, type WebLocksUnderTest } from "./api.ts";

/** What `query` tells. */
export function testQuerying(subject: WebLocksUnderTest): void {
  itConforms(subject, "tells who holds and who waits, in order, with name, mode and client", async (setting) => {
    const { locks, others, name } = setting;
    const requests: Hold[] = [];
    for (const [client, mode] of [
      [locks, "shared"],
      [others, "shared"],
      [locks, "exclusive"],
      [others, "shared"],
      [others, "exclusive"],
    ] as const) {
      requests.push(hold(client, name, { mode }));
      // Only requests of one client are in order by themselves.
      await client.query();
    }
    const { held, pending } = await query(locks, name);
    assert.deepEqual(
      [held, pending].map((infos) => infos.map(({ mode }) => mode)),
      [
        ["shared", "shared"],
        ["exclusive", "shared", "exclusive"],
      ],
    );
    const clients = [...held, ...pending].map(({ clientId }) => clientId);
    assert.ok(clients.every((client) => typeof client === "string" && client !== ""));
    const [ours, theirs] = clients;
    assert.equal(ours !== theirs, subject.hasSeveralClients);
    assert.deepEqual(clients, [ours, theirs, ours, theirs, theirs]);
    for (const request of requests) request.end();
    await Promise.all(requests.map(({ done }) => done));
    assert.deepEqual(await query(locks, name), { held: [], pending: [] });
  });

  itConforms(subject, "knows of what was requested just before", async ({ locks, name }) => {
    const requests = [hold(locks, name), hold(locks, name, { mode: "shared" })];
    const { held, pending } = await query(locks, name);
    assert.deepEqual([held.length, pending.map(({ mode }) => mode)], [1, ["shared"]]);
    for (const request of requests) request.end();
    await Promise.all(requests.map(({ done }) => done));
  });

  itConforms(subject, "tells what is held in the order of granting", async ({ locks, others, name }) => {
    const names = [`${name}b`, `${name}a`, `${name}c`];
    const holds: Hold[] = [];
    for (const [index, held] of names.entries()) {
      holds.push(hold(index === 1 ? others : locks, held));
      await holds.at(-1)?.granted;
    }
    // The client that asks has asked for all of them.
    for (const held of names) await locks.request(held, { ifAvailable: true }, () => undefined);
    const snapshot = await locks.query();
    assert.deepEqual(
      snapshot.held?.flatMap((info) => (names.includes(info.name ?? "") ? [info.name] : [])),
      names,
    );
    for (const held of holds) held.end();
    await Promise.all(holds.map(({ done }) => done));
  });
}
