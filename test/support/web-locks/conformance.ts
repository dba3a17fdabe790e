import { describe } from "node:test";
import { testAborting } from "./aborting.ts";
import type { WebLocksUnderTest } from "./api.ts";
import { testArguments } from "./arguments.ts";
import { testGranting } from "./granting.ts";
import { testQuerying } from "./querying.ts";
import { testStealing } from "./stealing.ts";

/** What any implementation of the Web Locks standard (https://w3c.github.io/web-locks/) has to do. */
export function testWebLocks(subject: WebLocksUnderTest): void {
  const options = { concurrency: true, skip: subject.skip ?? false };
  describe(`a request of ${subject.title}`, options, () => testArguments(subject));
  describe(`a lock of ${subject.title}`, options, () => testGranting(subject));
  describe(`the signal of a request of ${subject.title}`, options, () => testAborting(subject));
  describe(`a query of ${subject.title}`, options, () => testQuerying(subject));
  describe(`stealing from ${subject.title}`, options, () => testStealing(subject));
}
