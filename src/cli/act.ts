import type { LockManager } from "../index.ts";
import type { Action } from "./action.ts";
import { openLockManager } from "./connection.ts";
import { messageOf } from "./error-message.ts";
import { escapeText } from "./escape.ts";
import { exitCodes } from "./exit-code.ts";
import type { Host } from "./host.ts";
import { UsageError } from "./usage-error.ts";

/** How long etcd may be out of reach, in milliseconds: somebody looks, and waits. */
const connectTimeoutMs = 5_000;

/** Does what was asked for in place of running a command, and resolves to the exit code. */
export async function act(action: Action, host: Host): Promise<number> {
  try {
    await using manager = await openLockManager(action.connection, {
      connectTimeout: connectTimeoutMs,
      ...(action.kind === "doctor" && { ttl: action.ttlSeconds }),
    });
    return await carryOut(action, manager, host);
  } catch (error) {
    host.standardError.write(`etcdlocker: ${escapeText(messageOf(error))}\n`);
    return isWrongName(error) ? exitCodes.usage.code : exitCodes.notAcquired.code;
  }
}

/** Each kind of action is loaded only when it is wanted. */
async function carryOut(action: Action, manager: LockManager, host: Host): Promise<number> {
  switch (action.kind) {
    case "view": {
      const { view } = await import("./view/view.ts");
      return await view(action, manager, host);
    }
    case "doctor": {
      const { doctor } = await import("./doctor/doctor.ts");
      return await doctor(action, manager, host);
    }
    case "verify": {
      const { verify } = await import("./verify.ts");
      return await verify(action, manager, host);
    }
    case "break": {
      const { breakLock } = await import("./break-lock.ts");
      return await breakLock(action, manager, host);
    }
  }
}

function isWrongName(error: unknown): boolean {
  return error instanceof UsageError || error instanceof RangeError;
}
