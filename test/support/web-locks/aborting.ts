import assert from "node:assert/strict";
import { hold, itConforms, query, unexpected, type WebLocksUnderTest } from "./api.ts";

/** What a signal does before, while and after a request waits. */
export function testAborting(subject: WebLocksUnderTest): void {
  itConforms(subject, "rejects with the reason of a signal that has aborted before", async ({ locks, name }) => {
    const reason = { any: "thing" };
    const signal = AbortSignal.abort(reason);
    await assert.rejects(locks.request(name, { signal }, unexpected), (error) => error === reason);
    await assert.rejects(locks.request(name, { signal: AbortSignal.abort() }, unexpected), { name: "AbortError" });
  });

  itConforms(subject, "refuses what is not supported before it looks at the signal", async ({ locks }) => {
    const signal = AbortSignal.abort();
    await assert.rejects(locks.request("-", { signal }, unexpected), { name: "NotSupportedError" });
  });

  itConforms(subject, "ends the wait when the signal aborts", async ({ locks, others, name }) => {
    const holder = hold(others, name);
    await holder.granted;
    const controller = new AbortController();
    const aborted = locks.request(name, { signal: controller.signal }, unexpected);
    aborted.catch(() => undefined);
    const next = hold(locks, name);
    assert.equal((await query(locks, name)).pending.length, 2);
    const reason = new Error("changed our mind");
    controller.abort(reason);
    await assert.rejects(aborted, (error) => error === reason);
    holder.end();
    await next.granted;
    next.end();
    await next.done;
  });

  itConforms(subject, "has left the queue when its promise rejects", async ({ locks, others, name }) => {
    const holder = hold(others, name);
    await holder.granted;
    const controller = new AbortController();
    const aborted = locks.request(name, { signal: controller.signal }, unexpected);
    controller.abort();
    await assert.rejects(aborted);
    assert.deepEqual((await query(locks, name)).pending, []);
    holder.end();
    await holder.done;
  });

  itConforms(subject, "never calls back once the signal has aborted", async ({ locks, name }) => {
    const controller = new AbortController();
    const aborted = locks.request(name, { signal: controller.signal }, unexpected);
    const next = locks.request(name, () => "its turn");
    controller.abort();
    await assert.rejects(aborted, { name: "AbortError" });
    assert.equal(await next, "its turn");
  });

  itConforms(subject, "ignores a signal that aborts while the lock is held", async ({ locks, name }) => {
    const controller = new AbortController();
    const holder = hold(locks, name, { signal: controller.signal });
    await holder.granted;
    controller.abort();
    assert.equal((await query(locks, name)).held.length, 1);
    holder.end();
    assert.equal(await holder.done, "done");
  });

  itConforms(subject, "ignores a signal that never aborts", async ({ locks, name }) => {
    const { signal } = new AbortController();
    assert.equal(await locks.request(name, { signal }, () => "held"), "held");
  });
}
