import type { TestContext } from "node:test";
import { etcdOfFile } from "../support/lock-setting.ts";
import type { WebLocksApi, WebLocksSetting } from "../support/web-locks/api.ts";
import { testWebLocks } from "../support/web-locks/conformance.ts";

const setUp = etcdOfFile();

testWebLocks({
  title: "LockManager",
  stealJumpsQueue: false,
  hasSeveralClients: true,
  setUp(t: TestContext): WebLocksSetting {
    const setting = setUp(t);
    return { locks: setting.manager(), others: setting.manager(), name: setting.key };
  },
});

const navigator: { locks?: WebLocksApi } | undefined = Reflect.get(globalThis, "navigator");
let names = 0;

testWebLocks({
  title: "navigator.locks",
  skip: navigator?.locks === undefined && "this Node.js has no navigator.locks; version 24.5 has",
  stealJumpsQueue: true,
  hasSeveralClients: false,
  // Seen with Node.js 24.21 and 26.
  deviations: {
    "has released the lock when its promise rejects":
      "after a callback that throws at once, Node.js never releases the lock",
    "refuses what is not supported before it looks at the signal": "Node.js looks at the signal first",
    "has left the queue when its promise rejects": "Node.js leaves the queue only when its turn has come",
    "tells what is held in the order of granting": "Node.js tells it in no particular order",
  },
  setUp(): WebLocksSetting {
    const locks = navigator?.locks;
    if (locks === undefined) throw new Error("there is no navigator.locks");
    names += 1;
    return { locks, others: locks, name: `test ${names}` };
  },
});
